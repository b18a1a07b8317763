/** The server's rules for names and labels, so that a refusal is known before it comes. */

/** `Deployment.target` in google/devtools/cloudprofiler/v2. */
const TARGET = /^[a-z0-9]([-a-z0-9_.]{0,253}[a-z0-9])?$/;
/** `Deployment.labels` and `Profile.labels` there: names. */
const LABEL_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const MAX_LABEL_NAME_LENGTH = 63;
const MAX_TARGET_LENGTH = 255;
/** One label's value, and the names and values of all together, in bytes of UTF-8. */
const MAX_LABEL_VALUE_BYTES = 512;
const MAX_LABELS_BYTES = 1024;

/**
 * A project's id, also an old one with a domain (`example.com:shop`), or its number. It becomes part
 * of a path: nothing that could lead elsewhere may be in it.
 */
const PROJECT_ID = /^[a-z0-9]([a-z0-9.:-]{0,98}[a-z0-9])?$/;

export const isTarget = (name: string): boolean => TARGET.test(name);
export const isProjectId = (id: string): boolean => PROJECT_ID.test(id) && !id.includes('..');

/** The nearest name the server takes: `@Shop/Check Out` → `shop-check-out`; empty if nothing is left. */
export function suggestTarget(name: string): string {
  return trimmed(name.toLowerCase().replace(/[^-a-z0-9_.]+/g, '-'), MAX_TARGET_LENGTH);
}

export interface FittedLabels {
  readonly labels: Readonly<Record<string, string>>;
  /** Names, as given, of labels that found no room or no free name. */
  readonly leftOut: readonly string[];
}

/**
 * Labels as the server takes them: names in lower case with everything else than letters and digits
 * turned into `-`, values cut to 512 bytes. What comes first wins where two get the same name or the
 * room of all labels, 1024 bytes, runs out.
 */
export function fitLabels(given: Readonly<Record<string, string | number>>): FittedLabels {
  const labels: Record<string, string> = {};
  const leftOut: string[] = [];
  let usedBytes = 0;
  for (const [key, raw] of Object.entries(given)) {
    const name = labelName(key);
    const value = cutToBytes(String(raw), MAX_LABEL_VALUE_BYTES);
    const bytes = Buffer.byteLength(name) + Buffer.byteLength(value);
    const isTaken = Object.hasOwn(labels, name);
    if (!LABEL_NAME.test(name) || isTaken || usedBytes + bytes > MAX_LABELS_BYTES) {
      leftOut.push(key);
      continue;
    }
    usedBytes += bytes;
    labels[name] = value;
  }
  return { labels, leftOut };
}

/** `service.version` → `service-version`; empty if no letter or digit is in it. */
function labelName(key: string): string {
  return trimmed(key.toLowerCase().replace(/[^a-z0-9]+/g, '-'), MAX_LABEL_NAME_LENGTH);
}

/** Cut, and without what must not stand at either end. */
function trimmed(name: string, maxLength: number): string {
  return name
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, maxLength)
    .replace(/[^a-z0-9]+$/, '');
}

/** The longest beginning of no more than `maxBytes` that ends with a whole character. */
function cutToBytes(text: string, maxBytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= maxBytes) return text;
  return encoded
    .subarray(0, maxBytes)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}
