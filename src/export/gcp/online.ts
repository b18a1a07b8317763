/**
 * Google Cloud Profiler as its own agents do it: ask the server, which says when to collect what for
 * how long, and hand in the result. All replicas of a deployment together give one profile a minute
 * of each type, so each of them has little to do.
 */
import { promisify } from 'node:util';
import { zlib } from '../../builtins.ts';
import { type ErrorCode, messageOf } from '../../errors.ts';
import { encode } from '../../profile/encode.ts';
import { filterByLabels } from '../../profile/filter.ts';
import { labelFilter } from '../../profile/label-filter.ts';
import type { Profile, ProfileType } from '../../profile/model.ts';
import { type Milliseconds, milliseconds } from '../../units.ts';
import type { ExporterStatus } from '../exporter.ts';
import { sleep } from './abort.ts';
import { type Answer, CREATE_TIMEOUT_MILLIS, type Failure, GcpApi } from './api.ts';
import { BACKOFF, Backoff, type BackoffOptions } from './backoff.ts';
import type { Assignment } from './replies.ts';
import type { GcpSettings } from './settings.ts';

/** When things happen; other values are for tests. */
export interface Pace {
  /** From start to the first request: programs that end sooner need no profile and no connection. */
  readonly delayMillis: Milliseconds;
  /** From one request for work to the next, at least: a server gone wild must not keep us busy. */
  readonly spacingMillis: Milliseconds;
  readonly createTimeoutMillis: Milliseconds;
  readonly backoff: BackoffOptions;
  readonly uploadBackoff: BackoffOptions;
}

const PACE: Pace = {
  delayMillis: milliseconds(1_000),
  spacingMillis: milliseconds(5_000),
  createTimeoutMillis: CREATE_TIMEOUT_MILLIS,
  backoff: BACKOFF,
  uploadBackoff: { firstMillis: milliseconds(5_000), factor: 3, capMillis: milliseconds(60_000) },
};

/** A profile of ten seconds is not worth more: the server soon asks for the next one. */
const UPLOAD_ATTEMPTS = 3;

export interface GcpOnlineOptions {
  readonly settings: GcpSettings;
  /** Begins to record; `end` gives at most one profile of each type. */
  readonly record: () => { end(): ReadonlyMap<ProfileType, Profile> };
  /** Told one line when something goes wrong; once per kind of trouble until it is over. */
  readonly report: (message: string) => void;
  readonly pace?: Partial<Pace>;
}

export interface GcpStatus extends ExporterStatus {
  readonly state: 'starting' | 'waiting' | 'collecting' | 'uploading' | 'stopped';
  /** Profiles the server has asked for. */
  readonly assigned: number;
}

export class GcpOnline {
  readonly #options: GcpOnlineOptions;
  readonly #pace: Pace;
  readonly #api: GcpApi;
  readonly #backoff: Backoff;
  readonly #stopped = new AbortController();
  readonly #dropped: Partial<Record<ErrorCode, number>> = {};
  /** What was said since the last time all went well. */
  readonly #said = new Set<ErrorCode>();
  #state: GcpStatus['state'] = 'starting';
  #offered: readonly ProfileType[] = [];
  #assigned = 0;
  #exported = 0;
  #lastError: string | undefined;

  constructor(options: GcpOnlineOptions) {
    this.#options = options;
    this.#pace = { ...PACE, ...options.pace };
    this.#backoff = new Backoff(this.#pace.backoff);
    this.#api = new GcpApi(options.settings);
  }

  /** Once only, and outside of the application's context: all later work inherits it. */
  start(): void {
    void this.#run();
  }

  /** Ends at once: requests are aborted, a recording is dropped. */
  stop(): void {
    this.#stopped.abort(new Error('stopped'));
    this.#state = 'stopped';
    void this.#api.close();
  }

  status(): GcpStatus {
    return {
      name: 'gcp',
      destination: this.#options.settings.endpoint,
      state: this.#state,
      assigned: this.#assigned,
      exported: this.#exported,
      dropped: { ...this.#dropped },
      lastError: this.#lastError,
    };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    await sleep(this.#pace.delayMillis, signal);
    while (!signal.aborted) {
      const asked = Date.now();
      let waitMillis: Milliseconds;
      try {
        waitMillis = await this.#round(signal);
      } catch (error) {
        waitMillis = this.#defect(error);
      }
      const sinceMillis = Math.max(0, Date.now() - asked);
      const spacingMillis = this.#pace.spacingMillis - sinceMillis;
      await sleep(milliseconds(Math.max(waitMillis, spacingMillis, 0)), signal);
    }
  }

  /** Asks once and does what is asked; gives the time to wait before asking again. */
  async #round(signal: AbortSignal): Promise<Milliseconds> {
    this.#state = 'waiting';
    if (this.#offered.length === 0) this.#offered = this.#options.settings.profileTypes;
    if (this.#offered.length === 0) return this.#backoff.next();
    const { createTimeoutMillis } = this.#pace;
    const answer = await this.#api.create(this.#offered, createTimeoutMillis, signal);
    if (signal.aborted) return milliseconds(0);
    if ('failure' in answer) return this.#waitAfter(answer.failure);
    this.#backoff.reset();
    this.#said.clear();
    this.#assigned++;
    await this.#fulfil(answer.value, signal);
    return milliseconds(0);
  }

  async #fulfil(assignment: Assignment, signal: AbortSignal): Promise<void> {
    this.#state = 'collecting';
    const profile = await this.#collect(assignment, signal);
    if (profile === undefined || signal.aborted) {
      this.#drop('GCP_PROFILE_MISSING', { type: assignment.profileType });
      return;
    }
    this.#state = 'uploading';
    // Level 1: a third of the CPU of level 6 for 5 % more bytes.
    const pprof = await compress(encode(profile));
    const answer = await this.#upload(assignment, pprof, signal);
    if ('failure' in answer) this.#drop('GCP_UPLOAD_FAILED', describe(answer.failure));
    else this.#exported++;
  }

  async #collect(
    { profileType, durationMillis }: Assignment,
    signal: AbortSignal,
  ): Promise<Profile | undefined> {
    const recording = this.#options.record();
    if (durationMillis > 0) await sleep(durationMillis, signal);
    const profiles = recording.end();
    // A sampler may have failed: from now on, what a recording does not hold is not offered.
    this.#offered = this.#options.settings.profileTypes.filter((type) => profiles.has(type));
    const profile = profiles.get(profileType);
    const keeps = labelFilter(this.#options.settings.filter);
    return keeps === undefined || profile === undefined ? profile : filterByLabels(profile, keeps);
  }

  async #upload(
    assignment: Assignment,
    pprof: Uint8Array,
    signal: AbortSignal,
  ): Promise<Answer<unknown>> {
    const backoff = new Backoff(this.#pace.uploadBackoff);
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#api.upload(assignment, pprof, signal);
      if (!('failure' in answer) || attempt === UPLOAD_ATTEMPTS || signal.aborted) return answer;
      if (!isPassing(answer.failure)) return answer;
      const waitMillis = answer.failure.afterMillis ?? backoff.next();
      // Until then the server has asked for another one.
      if (waitMillis > this.#pace.uploadBackoff.capMillis) return answer;
      await sleep(waitMillis, signal);
    }
  }

  /** 409 with a time is no trouble: the server has what it wants and says when to come back. */
  #waitAfter(failure: Failure): Milliseconds {
    const { code, status, afterMillis } = failure;
    if (status === 409 && afterMillis !== undefined) {
      this.#backoff.reset();
      this.#said.clear();
      return afterMillis;
    }
    this.#note(code, describe(failure));
    return afterMillis ?? this.#backoff.next();
  }

  #defect(error: unknown): Milliseconds {
    if (this.#stopped.signal.aborted) return milliseconds(0);
    const reason = error instanceof Error ? error.message : String(error);
    this.#note('INTERNAL', { part: 'gcp', reason });
    return this.#backoff.next();
  }

  #drop(code: ErrorCode, details: Readonly<Record<string, string>>): void {
    this.#dropped[code] = (this.#dropped[code] ?? 0) + 1;
    if (!this.#stopped.signal.aborted) this.#note(code, details);
  }

  #note(code: ErrorCode, details: Readonly<Record<string, string>>): void {
    const line = messageOf(code, details);
    this.#lastError = line;
    if (this.#said.has(code)) return;
    this.#said.add(code);
    this.#options.report(line);
  }
}

const compress = (bytes: Uint8Array): Promise<Uint8Array> =>
  promisify(zlib().gzip)(bytes, { level: 1 });

/** Whether the same request may succeed later: no answer, too many, or the server's own trouble. */
export function isPassing({ code, status }: Failure): boolean {
  if (code !== 'GCP_REFUSED') return code !== 'GCP_REPLY_INVALID';
  return status === 401 || status === 408 || status === 429 || (status ?? 0) >= 500;
}

/** For the messages: `503: try again later`, `connect ECONNREFUSED 127.0.0.1:443`. */
export function describe({ status, reason }: Failure): { readonly reason: string } {
  return { reason: status === undefined ? reason : `${status}: ${reason}` };
}
