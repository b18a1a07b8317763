/** From a request to its answer, whatever the server. */
import { SpanprofError } from '../errors.ts';
import { explorerDocument } from '../pages/flamegraph.ts';
import { indexDocument } from '../pages/index-page.ts';
import { statusDocument } from '../pages/status.ts';
import { usageDocument } from '../pages/usage.ts';
import type { Profile, ProfileType } from '../profile/model.ts';
import { seconds } from '../units.ts';
import { Collector } from './collector.ts';
import { type EndpointRequest, type EndpointResponse, Refusal } from './exchange.ts';
import { applyFilters } from './filters.ts';
import { serve } from './formats.ts';
import { type GuardOptions, guard } from './guard.ts';
import { heapGrowth } from './heap-growth.ts';
import { type ProfileQuery, quoted, readQuery } from './query.ts';
import { html, json, text } from './respond.ts';
import type { EndpointSource } from './source.ts';

export interface EndpointOptions extends GuardOptions {
  /** What stands before `/debug` in the paths that arrive here, such as `/internal`; nothing by default. */
  readonly prefix?: string | undefined;
  /** Whether `cmdline` shows the program's arguments; they may hold secrets. */
  readonly showArguments?: boolean | undefined;
}

/** Go's default. */
const DEFAULT_SECONDS = seconds(30);
/** No path or query of ours comes near. */
const MAX_TARGET_LENGTH = 8_192;

/** Names below `/debug/pprof/` → what to record. */
const PROFILES: Readonly<Record<string, ProfileType>> = {
  profile: 'cpu',
  cpu: 'cpu',
  wall: 'wall',
  heap: 'heap',
  allocs: 'allocs',
};

/** What Go has there and Node.js has not. */
const ONLY_IN_GO: readonly string[] = ['goroutine', 'threadcreate', 'block', 'mutex', 'trace'];

const ROUTE = /^\/debug\/(pprof|usage|status)(?:\/([^?]*))?$/;
const PREFIX = /^(?:\/[^/?#]+)*$/;

export class Endpoint {
  readonly #source: EndpointSource;
  readonly #options: EndpointOptions;
  readonly #collector: Collector;

  /** Throws a `TypeError` if the options would leave it open, or where nobody finds it. */
  constructor(source: EndpointSource, options: EndpointOptions = {}) {
    // What an unset variable of a shell gives: whoever writes that wants a token.
    if (options.token === '') throw new TypeError('endpoint: token is empty');
    if (!PREFIX.test(options.prefix ?? '')) {
      throw new TypeError('endpoint: prefix begins with a slash and does not end with one');
    }
    this.#source = source;
    this.#options = options;
    this.#collector = new Collector(source);
  }

  /** Whether the path is one of ours. */
  owns(target: string): boolean {
    return this.#route(target.split('?', 1)[0] ?? '') !== undefined;
  }

  /** The room, and what is named in it. */
  #route(path: string): readonly [string | undefined, string | undefined] | undefined {
    const prefix = this.#options.prefix ?? '';
    const found = path.startsWith(prefix) ? ROUTE.exec(path.slice(prefix.length)) : null;
    return found === null ? undefined : [found[1], found[2]];
  }

  /** The answer to every request that `owns` accepts. Rejects only when the client has left. */
  async handle(request: EndpointRequest): Promise<EndpointResponse> {
    try {
      return await this.#answer(request);
    } catch (error) {
      if (request.signal.aborted) throw error;
      if (error instanceof Refusal) return text(error.status, error.message, error.headers);
      const reason = error instanceof SpanprofError ? error.message : 'internal error';
      return text(503, reason);
    }
  }

  async #answer(request: EndpointRequest): Promise<EndpointResponse> {
    if (request.target.length > MAX_TARGET_LENGTH) throw new Refusal(414, 'the URL is too long');
    guard(request, this.#options);
    const question = request.target.indexOf('?');
    const path = question < 0 ? request.target : request.target.slice(0, question);
    const query = question < 0 ? '' : request.target.slice(question + 1);
    const [room, name] = this.#route(path) ?? [];
    const isPost = request.method === 'POST' && name === 'symbol';
    if (request.method !== 'GET' && request.method !== 'HEAD' && !isPost) {
      throw new Refusal(405, 'only GET is answered here', { Allow: 'GET, HEAD' });
    }
    if (room === 'status' && !name) return this.#status(wantsPage(query, request));
    if (room === 'usage' && !name) return this.#usage(wantsPage(query, request));
    if (room === 'pprof' && name === undefined) {
      // Relative links of the page need the slash.
      return text(301, 'pprof/', { Location: 'pprof/' });
    }
    if (room !== 'pprof' || name === undefined) throw new Refusal(404, 'there is nothing here');
    return await this.#pprof(name, query, request);
  }

  async #pprof(name: string, query: string, request: EndpointRequest): Promise<EndpointResponse> {
    if (name === '') return this.#index(request);
    if (name === 'flamegraph') return html(explorerDocument(this.#source.serviceName()));
    if (name === 'cmdline') return text(200, this.#commandLine().join('\0'));
    // Our profiles name their functions; there is no address to ask about.
    if (name === 'symbol') return text(200, 'num_symbols: 0');
    const type = Object.hasOwn(PROFILES, name) ? PROFILES[name] : undefined;
    if (type === undefined) {
      const known = [...Object.keys(PROFILES), 'cmdline', 'symbol'].join(', ');
      const reason = ONLY_IN_GO.includes(name)
        ? `Node.js has no ${name} profile`
        : `there is no profile ${quoted(name)}`;
      throw new Refusal(404, `${reason}; there are ${known}`);
    }
    const wanted = readQuery(query, request);
    this.#checkRate(wanted.hertz);
    if (request.method === 'HEAD') return text(200, '');
    const profile = await this.#collect(type, wanted, request.signal);
    return await serve(applyFilters(profile, wanted.filters), wanted);
  }

  async #collect(type: ProfileType, query: ProfileQuery, signal: AbortSignal): Promise<Profile> {
    const ofHeap = type === 'heap' || type === 'allocs';
    const isLook = type === 'heap' && query.seconds === undefined;
    const duration = isLook ? seconds(0) : (query.seconds ?? DEFAULT_SECONDS);
    const needs = { cpu: !ofHeap, heap: ofHeap };
    const collected = await this.#collector.collect(duration, needs, query.gc, signal);
    const profile =
      type !== 'heap'
        ? collected.profile(type)
        : isLook
          ? collected.heapAfter
          : heapGrowth(collected.heapBefore, collected.heapAfter);
    if (profile !== undefined) return profile;
    const hint = isLook ? '; with seconds=30 it is sampled for that long' : '';
    throw new Refusal(503, `no ${type} profile: that sampler does not run here${hint}`);
  }

  #checkRate(hertz: number | undefined): void {
    const running = this.#source.frequencyHertz();
    if (hertz === undefined || hertz === running) return;
    throw new Refusal(409, `the sampler takes ${running} samples a second, for all profiles alike`);
  }

  #index(request: EndpointRequest): EndpointResponse {
    if (!wantsPage('', request)) {
      return text(200, [...Object.keys(PROFILES), 'cmdline', 'symbol'].join('\n'));
    }
    const origin = `http://${request.header('host') ?? ''}`;
    return html(indexDocument(this.#source.serviceName(), origin));
  }

  #status(asPage: boolean): EndpointResponse {
    const status = { ...this.#source.status(), requests: this.#collector.parallel };
    return asPage ? html(statusDocument(this.#source.serviceName(), status)) : json(status);
  }

  #usage(asPage: boolean): EndpointResponse {
    if (asPage) return html(usageDocument(this.#source.serviceName()));
    const usage = this.#source.usage();
    if (usage === undefined) throw new Refusal(503, 'no bills are kept here');
    return json(usage);
  }

  #commandLine(): readonly string[] {
    return this.#options.showArguments === true ? process.argv : process.argv.slice(0, 2);
  }
}

/** Browsers name HTML in `Accept`; `format=json` or `format=html` says it outright. */
function wantsPage(query: string, request: EndpointRequest): boolean {
  const format = new URLSearchParams(query).get('format');
  if (format !== null) return format === 'html';
  return /\btext\/html\b/.test(request.header('accept') ?? '');
}
