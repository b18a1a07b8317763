/** What comes in and goes out, whatever the server: `node-adapter.ts` and `fetch-adapter.ts` translate. */

export interface EndpointRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  /** One header by its lower-case name. */
  header(name: string): string | undefined;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  /** It came over a Unix socket of our own, which no web page can reach. */
  readonly isUnixSocket: boolean;
}

export interface EndpointResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

/** A request that gets no profile: the status and one line that says why. Thrown and caught in here. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, reason: string, headers: Readonly<Record<string, string>> = {}) {
    super(reason);
    this.status = status;
    this.headers = headers;
  }
}
