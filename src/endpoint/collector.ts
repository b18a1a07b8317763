/**
 * All requests share one recording. Each begins and ends at a cut of the running window; requests
 * that come close together get the same cut, so a thousand of them cost no more than two a second.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { merge } from '../profile/merge.ts';
import type { Profile, ProfileType } from '../profile/model.ts';
import { type Milliseconds, milliseconds, type Seconds, secondsToMillis } from '../units.ts';
import { Refusal } from './exchange.ts';
import { collectGarbage } from './garbage.ts';
import type { EndpointSource, Needs, Profiles, RecordingSource } from './source.ts';

/** A cut costs some 5 to 40 ms of CPU time: at this distance less than a tenth of one core. */
const MIN_CUT_MILLIS: Milliseconds = milliseconds(500);

/** Requests that are sent together arrive within this. */
const GATHER_MILLIS = 25;

/** Every waiting request holds a connection and the samples since it came. */
const MAX_PARALLEL = 128;

/** Timers of ours do not belong to whatever the application does when it calls the handler. */
const outside = AsyncLocalStorage.snapshot();
const now = performance.now.bind(performance);

export interface Collected {
  /** What was recorded in between; undefined where the sampler did not run. Not for `heap`. */
  profile(type: ProfileType): Profile | undefined;
  /** What was alive at the beginning and at the end. */
  readonly heapBefore: Profile | undefined;
  readonly heapAfter: Profile | undefined;
}

/** The profiles between two cuts. */
interface Segment {
  readonly profiles: Profiles;
  /** Sums of this segment and those before it, by the first of them and the type. */
  readonly sums: Map<string, Profile | undefined>;
}

interface Cut {
  readonly profiles: Profiles;
  /** Why garbage could not be collected, for those who asked for it. */
  readonly garbageProblem: unknown;
}

interface Member {
  readonly first: number;
  readonly segments: Segment[];
}

export class Collector {
  readonly #source: EndpointSource;
  readonly #collectGarbage: () => void;
  readonly #members = new Set<Member>();
  #recording: RecordingSource | undefined;
  #cutting: Promise<Cut> | undefined;
  #needs: Needs = { cpu: false, heap: false };
  #wantsGarbageCollected = false;
  #lastCutMillis = Number.NEGATIVE_INFINITY;
  #cuts = 0;
  #parallel = 0;

  constructor(source: EndpointSource, collect: () => void = collectGarbage) {
    this.#source = source;
    this.#collectGarbage = collect;
  }

  /** Requests that wait for a profile now. */
  get parallel(): number {
    return this.#parallel;
  }

  /** Records for so long; 0 is a look at the heap. Rejects when the client leaves. */
  async collect(
    duration: Seconds,
    needs: Needs,
    gc: boolean,
    signal: AbortSignal,
  ): Promise<Collected> {
    if (this.#parallel >= MAX_PARALLEL) {
      throw new Refusal(503, `${MAX_PARALLEL} profiles are being taken already; try again later`, {
        'Retry-After': '5',
      });
    }
    this.#parallel++;
    let member: Member | undefined;
    try {
      const before = await this.#cut(needs, gc);
      if (duration === 0) return collected([], 0, undefined, before.get('heap'));
      signal.throwIfAborted();
      member = { first: this.#cuts, segments: [] };
      this.#members.add(member);
      await pause(secondsToMillis(duration), signal);
      const after = await this.#cut(needs, gc);
      return collected(member.segments, member.first, before.get('heap'), after.get('heap'));
    } finally {
      if (member !== undefined) this.#members.delete(member);
      this.#parallel--;
      this.#closeIfLast();
    }
  }

  /** The profiles of the segment that ended; soon, and together with whoever else waits for it. */
  async #cut(needs: Needs, gc: boolean): Promise<Profiles> {
    this.#needs = { cpu: this.#needs.cpu || needs.cpu, heap: this.#needs.heap || needs.heap };
    this.#wantsGarbageCollected ||= gc;
    const waitMillis = Math.max(GATHER_MILLIS, this.#lastCutMillis + MIN_CUT_MILLIS - now());
    this.#cutting ??= new Promise((resolve, reject) => {
      const act = () => {
        try {
          resolve(this.#cutNow());
        } catch (error) {
          reject(error);
        }
      };
      outside(() => setTimeout(act, waitMillis).unref());
    });
    const { profiles, garbageProblem } = await this.#cutting;
    if (gc && garbageProblem !== undefined) throw garbageProblem;
    return profiles;
  }

  #cutNow(): Cut {
    const needs = this.#needs;
    const gc = this.#wantsGarbageCollected;
    this.#cutting = undefined;
    this.#needs = { cpu: false, heap: false };
    this.#wantsGarbageCollected = false;
    const garbageProblem = gc ? problemOf(this.#collectGarbage) : undefined;
    const profiles = this.#next(needs);
    this.#cuts++;
    this.#lastCutMillis = now();
    // Without the heap: it is a state, each request keeps the two it needs.
    const lasting = new Map([...profiles].filter(([type]) => type !== 'heap'));
    const segment: Segment = { profiles: lasting, sums: new Map() };
    for (const member of this.#members) member.segments.push(segment);
    return { profiles, garbageProblem };
  }

  #next(needs: Needs): Profiles {
    if (this.#recording === undefined) {
      this.#recording = this.#source.record(needs);
      return this.#recording.before;
    }
    const profiles = this.#recording.cut();
    this.#recording.borrow(needs);
    return profiles;
  }

  #closeIfLast(): void {
    if (this.#parallel > 0) return;
    this.#recording?.close();
    this.#recording = undefined;
  }
}

function problemOf(action: () => void): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}

function collected(
  segments: readonly Segment[],
  first: number,
  heapBefore: Profile | undefined,
  heapAfter: Profile | undefined,
): Collected {
  const profile = (type: ProfileType): Profile | undefined => {
    const last = segments.at(-1);
    const key = `${first} ${type}`;
    if (last === undefined || last.sums.has(key)) return last?.sums.get(key);
    const parts = segments.flatMap(({ profiles }) => profiles.get(type) ?? []);
    const sum = parts.length === 0 ? undefined : merge(parts);
    last.sums.set(key, sum);
    return sum;
  };
  return { profile, heapBefore, heapAfter };
}

/** Rejects as soon as the signal is aborted. */
function pause(millis: Milliseconds, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = outside(() =>
      setTimeout(() => {
        signal.removeEventListener('abort', leave);
        resolve();
      }, millis).unref(),
    );
    signal.addEventListener('abort', leave, { once: true });
  });
}
