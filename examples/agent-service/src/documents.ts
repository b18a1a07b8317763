/** Largest document a tool is given. */
const MAX_CHARACTERS = 5_000_000;
const TIMEOUT_MILLIS = 10_000;
/** Names come from a model, so they are checked before they become part of a URL. */
const NAME = /^[a-z0-9][a-z0-9-]{0,63}\.(?:html|csv)$/;

/** A reader of documents below `baseUrl`, by name (`energy-storage.html`). */
export function documentReader(baseUrl: URL): (name: string) => Promise<string> {
  return async (name) => {
    if (!NAME.test(name)) throw new Error(`not a document name: ${name.slice(0, 80)}`);
    const response = await fetch(new URL(`/documents/${name}`, baseUrl), {
      signal: AbortSignal.timeout(TIMEOUT_MILLIS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${name}: status ${response.status}`);
    if (text.length > MAX_CHARACTERS) throw new Error(`${name}: too large (${text.length})`);
    return text;
  };
}
