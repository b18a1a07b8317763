import { promisify } from 'node:util';
import { zlib } from '../../builtins.ts';
import type { Destination, SendOutcome } from '../destination.ts';
import type { EncodedProfile } from '../exporter.ts';
import { HttpClient, reasonOfFailure } from '../http.ts';
import { outcomeOf } from './answer.ts';
import { type SpanLabel, sampleLabels, seriesLabels } from './labels.ts';
import { type Protocol, requestFor } from './protocol.ts';
import { rewrite, type SizeLimits } from './rewrite.ts';
import { takesTraceIds } from './server-version.ts';

export interface PyroscopeOptions {
  readonly endpoint: string;
  readonly token?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly tenant?: string | undefined;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly caFile?: string | undefined;
  readonly proxy?: string | undefined;
  readonly protocol?: Protocol;
  /** Labels of the whole process: they become labels of every series. */
  readonly labels?: Readonly<Record<string, string | number>>;
  /** Labels of samples that may become series. */
  readonly seriesLabels?: readonly string[];
  readonly spanLabel?: SpanLabel;
  readonly limits?: SizeLimits;
}

/**
 * Defaults of the server: 16,000 samples; 4 MiB uncompressed, but no request beyond the 2 MiB of its
 * rate limiter's burst is ever let through, so half of that leaves room for a neighbour.
 */
const LIMITS: SizeLimits = { maxSamples: 16_000, maxBytes: 1024 * 1024 };
/** Far beyond any profile; a file of zeros must not fill the memory. */
const MAX_UNCOMPRESSED_BYTES = 64 * 1024 * 1024;
/** Level 6 takes three times the CPU of level 1 for 5 % fewer bytes (measured on 5,000 samples). */
const GZIP_LEVEL = 1;

class UnusableProfile extends Error {}

/** What is left to send of one profile. */
interface Parts {
  readonly pprofs: readonly Uint8Array[];
  stored: number;
}

/** Sends profiles to a Pyroscope server, each in as many requests as the server's limits ask for. */
export class PyroscopeDestination implements Destination {
  readonly name = 'pyroscope';
  readonly address: string;
  readonly spoolKey: string;
  readonly #options: PyroscopeOptions;
  readonly #http: HttpClient;
  /** A profile whose second part failed goes on with that one. */
  readonly #parts = new WeakMap<EncodedProfile, Promise<Parts>>();
  #takesTraceIds: boolean | undefined;

  constructor(options: PyroscopeOptions) {
    this.#options = options;
    this.address = options.endpoint;
    const { endpoint, tenant, user, labels, headers } = options;
    this.spoolKey = JSON.stringify([endpoint, tenant, user, labels, headers]);
    this.#http = new HttpClient({
      endpoint,
      caFile: options.caFile,
      proxy: options.proxy,
      headers: headersOf(options),
    });
  }

  async send(profile: EncodedProfile, signal: AbortSignal): Promise<SendOutcome> {
    try {
      // Asked before the first profile. One connection that fails is enough for one attempt.
      this.#takesTraceIds ??= await takesTraceIds(this.#http, signal);
      return await this.#sendParts(profile, await this.#partsOf(profile), signal);
    } catch (error) {
      const reason = reasonOfFailure(error);
      return { kind: error instanceof UnusableProfile ? 'rejected' : 'retry', reason };
    }
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  async #sendParts(
    profile: EncodedProfile,
    parts: Parts,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    const { labels = {}, protocol = 'push', seriesLabels: allowed = [] } = this.#options;
    const series = seriesLabels(profile.profileType, profile.serviceName, labels, allowed);
    for (const pprof of parts.pprofs.slice(parts.stored)) {
      const compressed = await promisify(zlib().gzip)(pprof, { level: GZIP_LEVEL });
      const request = requestFor(protocol, profile, series, compressed);
      const outcome = outcomeOf(await this.#http.request({ ...request, signal }));
      if (outcome.kind !== 'stored') return outcome;
      parts.stored += 1;
    }
    return { kind: 'stored' };
  }

  #partsOf(profile: EncodedProfile): Promise<Parts> {
    let parts = this.#parts.get(profile);
    if (parts === undefined) {
      parts = this.#split(profile).catch((error: unknown) => {
        throw new UnusableProfile(`not a usable profile: ${reasonOfFailure(error)}`);
      });
      this.#parts.set(profile, parts);
    }
    return parts;
  }

  async #split(profile: EncodedProfile): Promise<Parts> {
    const { seriesLabels: allowed = [], spanLabel = 'root', limits = LIMITS } = this.#options;
    const maxOutputLength = MAX_UNCOMPRESSED_BYTES;
    const pprof = await promisify(zlib().gunzip)(profile.pprof, { maxOutputLength });
    const rules = sampleLabels(allowed, spanLabel, this.#takesTraceIds ?? false);
    return { pprofs: rewrite(pprof, rules, limits), stored: 0 };
  }
}

function headersOf(options: PyroscopeOptions): Record<string, string> {
  const { token, user, password, tenant } = options;
  const headers: Record<string, string> = { 'user-agent': 'spanprof' };
  if (tenant !== undefined) headers['x-scope-orgid'] = tenant;
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  else if (user !== undefined) {
    const credentials = Buffer.from(`${user}:${password ?? ''}`).toString('base64');
    headers['authorization'] = `Basic ${credentials}`;
  }
  return { ...headers, ...options.headers };
}
