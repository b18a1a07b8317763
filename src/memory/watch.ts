/** What there is to say about this thread's memory beside its profiles; part of `status()`. */
import { clearTimeout, setTimeout } from 'node:timers';
import type { Addon } from '../native.ts';
import type { Profile } from '../profile/model.ts';
import { type Milliseconds, milliseconds, NANOS_PER_MILLI, nanosToMillis } from '../units.ts';
import type { LiveProfile } from './engine.ts';
import { type MemoryGauges, readGauges } from './gauges.ts';
import { GcMonitor, type GcStatus } from './gc.ts';
import { type Leak, LeakDetector } from './leaks.ts';

export interface MemoryStatus {
  /** When asked. */
  readonly now: MemoryGauges;
  /** Soon after the end of the last completed window; undefined before. */
  readonly window: MemoryGauges | undefined;
  /** Undefined without the addon, as are leaks. */
  readonly gc: GcStatus | undefined;
  /** What grows and does not stop growing, fastest first; at most 10. */
  readonly leaks: readonly Leak[] | undefined;
}

export interface MemoryWatchOptions {
  readonly addon: Addon | undefined;
  readonly intervalBytes: number;
  readonly windowMillis: Milliseconds;
  /** Calls a function outside of whatever the application is doing. */
  readonly outside: <Result>(fn: () => Result) => Result;
  /** Called some seconds after a suspicion: what is alive should be looked at again. */
  readonly lookAgain: () => void;
  /** Called at most once, when V8's heap is nearly full: the last chance to store something. */
  readonly onNearHeapLimit: () => void;
}

/** A healthy program that looks suspicious between collections must not pay for it all the time. */
const LOOKS_BETWEEN_SETTLES = 5;
/** V8 marks for milliseconds to seconds; at the default window these are five. */
const MARKING_WINDOWS = 1 / 12;

/** The C library counts what it keeps for up to milliseconds: not while the window is built and encoded. */
const GAUGES_AFTER: Milliseconds = milliseconds(100);

export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  readonly #gc: GcMonitor | undefined;
  readonly #leaks: LeakDetector;
  #window: MemoryGauges | undefined;
  #looks = 0;
  #nextSettle = 0;
  #timer: NodeJS.Timeout | undefined;
  #gaugesTimer: NodeJS.Timeout | undefined;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#gc = options.addon === undefined ? undefined : new GcMonitor(options.addon);
    this.#leaks = new LeakDetector(options.intervalBytes, options.windowMillis);
  }

  start(): void {
    this.#gc?.start();
    this.#options.addon?.heapLimitStart(this.#options.onNearHeapLimit);
  }

  /** Ends the window. */
  collect(): void {
    this.#gc?.collect();
    this.#gaugesTimer ??= this.#options.outside(() =>
      setTimeout(this.#readGauges, GAUGES_AFTER).unref(),
    );
  }

  /** Those of the window that has ended, unless that is done. */
  readonly #readGauges = (): void => {
    if (this.#gaugesTimer === undefined) return;
    clearTimeout(this.#gaugesTimer);
    this.#gaugesTimer = undefined;
    this.#window = readGauges(this.#options.addon);
  };

  /** Looks at what is alive at the end of a window; the profile comes back with what was found. */
  inspect({ heap, ages }: LiveProfile): Profile {
    if (this.#gc === undefined) return heap;
    const { timeNanos, durationNanos } = heap;
    this.#leaks.add(heap, ages, {
      beginMillis: nanosToMillis(timeNanos),
      endMillis: nanosToMillis(timeNanos + durationNanos),
      settledMillis: epochMillis(this.#gc.settledNanos),
    });
    this.#looks++;
    if (this.#leaks.isWaiting) this.#settle(this.#gc);
    const { leaks } = this.#leaks;
    if (leaks.length === 0) return heap;
    return { ...heap, comments: [...heap.comments, ...leaks.map(describe)] };
  }

  /**
   * V8 does a full collection when the heap has doubled or so, which may take a quarter of an hour.
   * Where a verdict waits for nothing but that, it is asked to begin one now and then.
   */
  #settle(gc: GcMonitor): void {
    if (this.#looks < this.#nextSettle) return;
    this.#nextSettle = this.#looks + LOOKS_BETWEEN_SETTLES;
    gc.beginMarking();
    const { outside, lookAgain, windowMillis } = this.#options;
    clearTimeout(this.#timer);
    this.#timer = outside(() => setTimeout(lookAgain, windowMillis * MARKING_WINDOWS).unref());
  }

  /** Sampling has begun anew. */
  forgetLive(): void {
    this.#leaks.reset();
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#gaugesTimer);
    this.#gaugesTimer = undefined;
    this.#options.addon?.heapLimitStop();
    this.#gc?.stop();
  }

  status(): MemoryStatus {
    this.#readGauges();
    return {
      now: readGauges(this.#options.addon),
      window: this.#window,
      gc: this.#gc?.status(),
      leaks: this.#gc === undefined ? undefined : this.#leaks.leaks,
    };
  }
}

/** For people who read the profile: `leak: hoard (/app/tools.js:12) agent_name=writer …`. */
function describe(leak: Leak): string {
  const { site, owner, bytesNow, growthBytesPerHour, firstSeenMillis, confidence } = leak;
  const labels = Object.entries(owner).map(([key, value]) => `${key}=${value}`);
  return [
    `leak: ${site.function} (${site.file}:${site.line})`,
    ...labels,
    `bytes=${bytesNow}`,
    `bytes_per_hour=${growthBytesPerHour}`,
    `first_seen=${isoTime(firstSeenMillis)}`,
    `confidence=${confidence.toFixed(2)}`,
  ].join(' ');
}

/** Of a moment on the monotonic clock. */
function epochMillis(monotonicNanos: number | undefined): Milliseconds | undefined {
  if (monotonicNanos === undefined) return undefined;
  const agoNanos = Number(process.hrtime.bigint()) - monotonicNanos;
  return milliseconds(Date.now() - agoNanos / NANOS_PER_MILLI);
}

const isoTime = (millis: Milliseconds): string => new Date(millis).toISOString();
