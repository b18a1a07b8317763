/**
 * HTTP for this room: undici with keep-alive, proxies from the environment, a time-out for every
 * attempt, bounded replies, and sockets that do not keep the process alive.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { clearTimeout, setTimeout } from 'node:timers';
import type * as Undici from 'undici';
import { tls } from '../../builtins.ts';
import type { Milliseconds } from '../../units.ts';
import { lookup } from '../lookup.ts';

/**
 * A connection that is being set up cannot be unref'd, and neither can a look-up of a name: a process
 * that ends in this moment waits for it no longer than this.
 */
const CONNECT_TIMEOUT_MILLIS = 5_000;
/** Replies have about 1 KB; errors of proxies are pages of HTML, of which nobody needs the rest. */
const MAX_REPLY_BYTES = 256 * 1024;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMillis: Milliseconds;
  readonly signal: AbortSignal;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

interface Loaded {
  readonly undici: typeof Undici;
  readonly dispatcher: Undici.Dispatcher;
}

export interface HttpOptions {
  /** PEM file with certificates to be trusted beside those that come with Node. */
  readonly caFile: string | undefined;
  /** Whether `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count. */
  readonly usesProxies: boolean;
}

export class Http {
  readonly #options: HttpOptions;
  #loading: Promise<Loaded> | undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /** One attempt. Rejects without a whole reply: no connection, time-out, too large, aborted. */
  async request(request: HttpRequest): Promise<HttpReply> {
    const { method, url, headers, body, timeoutMillis, signal } = request;
    const { undici, dispatcher } = await this.#load();
    return withTimeout(timeoutMillis, signal, async (attempt) => {
      const reply = await undici.request(url, {
        dispatcher,
        method,
        headers,
        body: body ?? null,
        signal: attempt,
      });
      return { status: reply.statusCode, headers: reply.headers, text: await readText(reply.body) };
    });
  }

  /** `fetch` over the same connections, for google-auth-library. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const { undici, dispatcher } = await this.#load();
    // The same functions under other types: Node's own are of another version of undici.
    const fetch = undici.fetch as unknown as typeof globalThis.fetch;
    return fetch(input, { ...init, dispatcher } as unknown as RequestInit);
  };

  /** Ends all connections, also those in use. */
  async close(): Promise<void> {
    const loading = this.#loading;
    this.#loading = undefined;
    await loading?.then(({ dispatcher }) => dispatcher.destroy()).catch(() => {});
  }

  #load(): Promise<Loaded> {
    this.#loading ??= load(this.#options).catch((error: unknown) => {
      this.#loading = undefined; // the next attempt may find what was missing
      throw error;
    });
    return this.#loading;
  }
}

async function load({ caFile, usesProxies }: HttpOptions): Promise<Loaded> {
  const undici = await import('undici');
  // Given any, Node forgets its own, and those of NODE_EXTRA_CA_CERTS.
  const connect =
    caFile === undefined ? {} : { ca: [...tls().rootCertificates, readFileSync(caFile, 'utf8')] };
  const options = {
    connect,
    // Every attempt has a time-out of its own; a long poll has no answer for a minute.
    headersTimeout: 0,
    bodyTimeout: 0,
    factory: (origin: string | URL, given: object) =>
      new undici.Pool(origin, unreferenced(undici, given)),
  };
  const dispatcher = usesProxies
    ? new undici.EnvHttpProxyAgent({ ...options, requestTls: connect, proxyTls: connect })
    : new undici.Agent(options);
  return { undici, dispatcher };
}

/** Pool options whose sockets do not keep the process alive: undici refs them while a request runs. */
function unreferenced(undici: typeof Undici, options: object): Undici.Pool.Options {
  const { connect: given, ...rest } = options as Undici.Pool.Options;
  const connect =
    typeof given === 'function'
      ? given
      : undici.buildConnector({ ...given, lookup, timeout: CONNECT_TIMEOUT_MILLIS });
  return {
    ...rest,
    connect: (target, callback) =>
      connect(target, (...result) => {
        // After a failure undici leaves the socket out, whatever its types say.
        const socket: Socket | null | undefined = result[1];
        if (socket) {
          socket.unref();
          socket.ref = () => socket;
        }
        callback(...result);
      }),
  };
}

/** Aborts `work` when the time is up or `signal` aborts. Both are forgotten as soon as it is done. */
async function withTimeout<T>(
  timeoutMillis: Milliseconds,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const attempt = new AbortController();
  const abort = (): void => attempt.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => {
    attempt.abort(new Error(`no answer within ${timeoutMillis / 1_000} s`));
  }, timeoutMillis).unref();
  try {
    return await work(attempt.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** Rejects as soon as there is too much; the connection goes with it. */
async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_REPLY_BYTES) throw new Error(`a reply of more than ${MAX_REPLY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
