/** HTTP for destinations: keep-alive, proxies, own certificates; loaded at the first request. */
import { readFile } from 'node:fs/promises';
import type { buildConnector, Dispatcher } from 'undici';
import { lookup } from './lookup.ts';

export interface HttpOptions {
  /** Base URL; paths of requests are appended to its path. */
  readonly endpoint: string;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** PEM file of certificate authorities to trust instead of Node's. */
  readonly caFile?: string | undefined;
  /** Proxy to use; without it `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are honoured. */
  readonly proxy?: string | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The beginning of the body. */
  readonly text: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** With a leading slash, with the query if there is one. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal: AbortSignal;
}

/** An answer says in its first lines what it wants; the rest of an error page helps nobody. */
const MAX_ANSWER_BYTES = 16 * 1024;

export class HttpClient {
  readonly #options: HttpOptions;
  readonly #origin: string;
  readonly #basePath: string;
  #dispatcher: Promise<Dispatcher> | undefined;

  constructor(options: HttpOptions) {
    const { origin, pathname } = new URL(options.endpoint);
    this.#options = options;
    this.#origin = origin;
    this.#basePath = pathname.replace(/\/+$/, '');
  }

  /** Rejects if there is no answer; redirects are answers like any other. */
  async request({ method, path, headers, body, signal }: HttpRequest): Promise<HttpAnswer> {
    const dispatcher = await this.#connect();
    const answer = await dispatcher.request({
      origin: this.#origin,
      path: `${this.#basePath}${path}`,
      method,
      headers: { ...this.#options.headers, ...headers },
      body: body ?? null,
      signal,
    });
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: await beginningOf(answer.body),
    };
  }

  async close(): Promise<void> {
    const dispatcher = await this.#dispatcher?.catch(() => undefined);
    this.#dispatcher = undefined;
    await dispatcher?.destroy();
  }

  #connect(): Promise<Dispatcher> {
    this.#dispatcher ??= this.#build().catch((error: unknown) => {
      this.#dispatcher = undefined; // the next attempt may find what was missing
      throw error;
    });
    return this.#dispatcher;
  }

  async #build(): Promise<Dispatcher> {
    const undici = await import('undici');
    const { caFile, proxy } = this.#options;
    const tls = caFile === undefined ? {} : { ca: await readFile(caFile, 'utf8') };
    const connect = withoutHold(undici.buildConnector({ ...tls, lookup }));
    // One connection: profiles are sent one after another.
    const options = { connect, connections: 1, pipelining: 1 };
    const isProxied = PROXY_VARIABLES.some((name) => (process.env[name] ?? '') !== '');
    if (proxy === undefined && !isProxied) return new undici.Agent(options);
    // Agents for proxies put connectors of their own in the place of ours: to the proxy, and through it.
    const pool = (origin: string | URL, given: object): Dispatcher => {
      const { connect: connector } = given as { connect: buildConnector.connector };
      return new undici.Pool(origin, { ...given, connect: withoutHold(connector) });
    };
    const proxied = {
      ...options,
      requestTls: tls,
      proxyTls: { ...tls, lookup },
      clientFactory: pool,
      factory: pool,
    };
    return proxy === undefined
      ? new undici.EnvHttpProxyAgent(proxied)
      : new undici.ProxyAgent({ ...proxied, uri: proxy });
  }
}

const PROXY_VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'];

/** An upload must not keep a process alive that has nothing else to do: the spool has the profile. */
function withoutHold(connector: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    const onConnect = (...outcome: buildConnector.CallbackArgs): void => {
      const [, connected] = outcome;
      if (isHolding(connected)) release(connected);
      callback(...outcome);
    };
    // The types do not say that the socket is returned as well, before it is connected.
    const socket: unknown = Reflect.apply(connector, undefined, [options, onConnect]);
    if (isHolding(socket)) release(socket);
    return socket;
  };
}

interface Holding {
  ref(): unknown;
  unref(): unknown;
}

const isHolding = (value: unknown): value is Holding =>
  typeof value === 'object' && value !== null && 'ref' in value && 'unref' in value;

/** undici calls `ref` for every request. */
function release(socket: Holding): void {
  socket.unref();
  socket.ref = () => socket;
}

async function beginningOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) break; // which also closes the connection
  }
  return Buffer.concat(chunks).toString('utf8', 0, MAX_ANSWER_BYTES);
}

/** What a failed request says, on one line. */
export function reasonOfFailure(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return reasonOfFailure(error.errors[0]);
  }
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  const text = error.message.replaceAll(/\s+/g, ' ').trim();
  if (text === '') return String(code ?? error.name);
  return code === undefined || text.includes(code) ? text : `${code}: ${text}`;
}

/** `Retry-After` in milliseconds: seconds or a date; undefined if there is none that makes sense. */
export function retryAfterMillis(answer: HttpAnswer): number | undefined {
  const header = answer.headers['retry-after'];
  if (typeof header !== 'string') return undefined;
  const millis = /^\d+(\.\d+)?$/.test(header.trim())
    ? Number(header) * 1_000
    : Date.parse(header) - Date.now();
  return Number.isFinite(millis) && millis > 0 ? millis : undefined;
}
