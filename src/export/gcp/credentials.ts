/** Application default credentials, through google-auth-library. */
import type { AuthClient } from 'google-auth-library';
import { unlessAborted } from './abort.ts';

/** What Google's own agents ask for: enough to write profiles, and to read nothing. */
const SCOPE = 'https://www.googleapis.com/auth/monitoring.write';
const TOKEN_TIMEOUT_MILLIS = 10_000;

export class Credentials {
  readonly #fetch: typeof globalThis.fetch;
  #client: Promise<AuthClient> | undefined;

  /** Requests for tokens go through `fetch`, apart from those to the metadata server. */
  constructor(fetch: typeof globalThis.fetch) {
    this.#fetch = fetch;
  }

  /** Headers that authorise a request; tokens are cached and renewed in time. Rejects without any. */
  async headers(projectId: string, signal: AbortSignal): Promise<Record<string, string>> {
    // A failed search is not kept: credentials may appear later.
    this.#client ??= this.#find(projectId).catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    const client = await unlessAborted(this.#client, signal);
    const headers = await unlessAborted(client.getRequestHeaders(), signal);
    return Object.fromEntries(headers.entries());
  }

  /** The server does not take the token, whatever its date says: the next one is a new one. */
  renew(): void {
    this.#client = undefined;
  }

  async #find(projectId: string): Promise<AuthClient> {
    const { GoogleAuth } = await import('google-auth-library');
    const auth = new GoogleAuth({
      scopes: SCOPE,
      // Without one the library would start the program `gcloud` to find it.
      projectId,
      clientOptions: {
        transporterOptions: { fetchImplementation: this.#fetch, timeout: TOKEN_TIMEOUT_MILLIS },
      },
    });
    return auth.getClient();
  }
}
