/** The three calls of the Cloud Profiler API, version 2, over REST. */
import type { ErrorCode } from '../../errors.ts';
import type { ProfileType } from '../../profile/model.ts';
import { type Milliseconds, milliseconds } from '../../units.ts';
import { VERSION } from '../../version.ts';
import { Credentials } from './credentials.ts';
import { Http, type HttpReply } from './http.ts';
import { IdentitySource } from './identity.ts';
import {
  type Assignment,
  oneLine,
  readAssignment,
  readRetryAfter,
  readServerError,
} from './replies.ts';
import type { GcpSettings } from './settings.ts';
import { type Identity, SERVER_TYPES } from './types.ts';

/** What went wrong with one call. */
export interface Failure {
  readonly code: ErrorCode;
  readonly reason: string;
  /** Undefined where no reply came. */
  readonly status: number | undefined;
  /** The server asks for this long to be left alone. */
  readonly afterMillis: Milliseconds | undefined;
}

export type Answer<Value> = { readonly value: Value } | { readonly failure: Failure };

/** One profile, finished, under the type's name at the server. */
export interface Upload {
  readonly profileType: ProfileType;
  /** As the server writes durations: `10s`, `59.999s`. */
  readonly duration: string;
  /** gzip-compressed pprof. */
  readonly pprof: Uint8Array;
}

/**
 * The server holds the request until it wants a profile, about a minute, and answers 409 if it wants
 * none. Google's agents wait an hour, so proxies and the server may take their time; a connection that
 * died meanwhile is found by TCP keep-alive.
 */
export const CREATE_TIMEOUT_MILLIS: Milliseconds = milliseconds(3_600_000);
const UPLOAD_TIMEOUT_MILLIS: Milliseconds = milliseconds(60_000);

export class GcpApi {
  readonly #endpoint: string;
  readonly #http: Http;
  /** Metadata servers are link-local: no proxy can reach them for us. */
  readonly #direct = new Http({ caFile: undefined, usesProxies: false });
  readonly #credentials: Credentials;
  readonly #identity: IdentitySource;

  constructor(settings: GcpSettings) {
    this.#endpoint = settings.endpoint;
    this.#http = new Http({ caFile: settings.caFile, usesProxies: true });
    this.#credentials = new Credentials(this.#http.fetch);
    this.#identity = new IdentitySource(settings, this.#direct);
  }

  /** Asks what to collect; the answer may take as long as the server likes. */
  async create(
    offered: readonly ProfileType[],
    timeoutMillis: Milliseconds,
    signal: AbortSignal,
  ): Promise<Answer<Assignment>> {
    const answer = await this.#call(signal, timeoutMillis, ({ deployment }) => ({
      method: 'POST',
      path: `projects/${deployment.projectId}/profiles`,
      body: { deployment, profileType: offered.map((type) => SERVER_TYPES[type]) },
    }));
    if ('failure' in answer) return answer;
    const assignment = readAssignment(answer.value, offered);
    if ('fault' in assignment) return failed('GCP_REPLY_INVALID', assignment.fault);
    return { value: assignment };
  }

  /** Hands in what an assignment asked for. */
  upload(
    { name, profileType, duration }: Assignment,
    pprof: Uint8Array,
    signal: AbortSignal,
  ): Promise<Answer<unknown>> {
    return this.#call(signal, UPLOAD_TIMEOUT_MILLIS, (identity) => ({
      method: 'PATCH',
      path: name,
      body: { name, ...profileBody(identity, { profileType, duration, pprof }) },
    }));
  }

  /** Hands in a profile that nobody asked for. */
  createOffline(profile: Upload, signal: AbortSignal): Promise<Answer<unknown>> {
    return this.#call(signal, UPLOAD_TIMEOUT_MILLIS, (identity) => ({
      method: 'POST',
      path: `projects/${identity.deployment.projectId}/profiles:createOffline`,
      body: profileBody(identity, profile),
    }));
  }

  async close(): Promise<void> {
    await Promise.all([this.#http.close(), this.#direct.close()]);
  }

  async #call(
    signal: AbortSignal,
    timeoutMillis: Milliseconds,
    requestOf: (identity: Identity) => Call,
  ): Promise<Answer<unknown>> {
    let identity: Identity;
    try {
      identity = await this.#identity.get(signal);
    } catch (error) {
      return failed('GCP_CREDENTIALS_UNAVAILABLE', reasonOf(error));
    }
    const call = requestOf(identity);
    const answer = await this.#attempt(identity, call, timeoutMillis, signal);
    if (!('failure' in answer) || answer.failure.status !== 401) return answer;
    // The token was withdrawn or the clock is wrong; a new one either helps or nothing does.
    this.#credentials.renew();
    return this.#attempt(identity, call, timeoutMillis, signal);
  }

  async #attempt(
    { deployment }: Identity,
    { method, path, body }: Call,
    timeoutMillis: Milliseconds,
    signal: AbortSignal,
  ): Promise<Answer<unknown>> {
    let authorisation: Record<string, string>;
    try {
      authorisation = await this.#credentials.headers(deployment.projectId, signal);
    } catch (error) {
      return failed('GCP_CREDENTIALS_UNAVAILABLE', reasonOf(error));
    }
    try {
      const reply = await this.#http.request({
        method,
        url: `${this.#endpoint}/v2/${path}`,
        headers: { ...authorisation, ...HEADERS },
        body: JSON.stringify(body),
        timeoutMillis,
        signal,
      });
      return readReply(reply);
    } catch (error) {
      return failed('GCP_UNREACHABLE', reasonOf(error));
    }
  }
}

interface Call {
  readonly method: 'POST' | 'PATCH';
  readonly path: string;
  readonly body: unknown;
}

const HEADERS = {
  'content-type': 'application/json',
  'user-agent': `spanprof/${VERSION}`,
  'x-goog-api-client': `gl-node/${process.versions.node} gccl/${VERSION}`,
};

function profileBody({ deployment, profileLabels }: Identity, upload: Upload): object {
  const { profileType, duration, pprof } = upload;
  return {
    profileType: SERVER_TYPES[profileType],
    deployment,
    duration,
    profileBytes: Buffer.from(pprof).toString('base64'),
    labels: profileLabels,
  };
}

function readReply({ status, headers, text }: HttpReply): Answer<unknown> {
  const body = parseJson(text);
  if (status >= 200 && status < 300) return { value: body };
  const { message, retryMillis } = readServerError(body);
  const reason = message ?? (oneLine(text.replace(/<[^>]*>/g, ' ')) || 'no reason given');
  return failed('GCP_REFUSED', reason, {
    status,
    afterMillis: retryMillis ?? readRetryAfter(headers['retry-after']),
  });
}

/** Undefined for what is not JSON: pages of proxies, mostly. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failed(
  code: ErrorCode,
  reason: string,
  { status, afterMillis }: Partial<Pick<Failure, 'status' | 'afterMillis'>> = {},
): { readonly failure: Failure } {
  return { failure: { code, reason, status, afterMillis } };
}

/** The innermost message: `fetch failed` alone tells nobody anything. */
function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return oneLine(inner instanceof Error ? inner.message || inner.name : String(inner));
}
