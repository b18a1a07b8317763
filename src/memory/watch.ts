/** What there is to say about this thread's memory beside its profiles; part of `status()`. */
import type { Addon } from '../native.ts';
import type { Profile } from '../profile/model.ts';
import { type Milliseconds, milliseconds } from '../units.ts';
import { type MemoryGauges, readGauges } from './gauges.ts';
import { GcMonitor, type GcStatus } from './gc.ts';
import { type Leak, LeakDetector } from './leaks.ts';

export interface MemoryStatus {
  /** When asked. */
  readonly now: MemoryGauges;
  /** At the end of the last completed window; undefined before. */
  readonly window: MemoryGauges | undefined;
  /** Undefined without the addon, as are leaks. */
  readonly gc: GcStatus | undefined;
  /** What grows and does not stop growing, fastest first; at most 10. */
  readonly leaks: readonly Leak[] | undefined;
}

export interface MemoryWatchOptions {
  readonly addon: Addon | undefined;
  readonly intervalBytes: number;
  /** Called at most once, when V8's heap is nearly full: the last chance to store something. */
  readonly onNearHeapLimit: () => void;
}

export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  readonly #gc: GcMonitor | undefined;
  readonly #leaks: LeakDetector;
  #window: MemoryGauges | undefined;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#gc = options.addon === undefined ? undefined : new GcMonitor(options.addon);
    this.#leaks = new LeakDetector(options.intervalBytes);
  }

  start(): void {
    this.#gc?.start();
    this.#options.addon?.heapLimitStart(this.#options.onNearHeapLimit);
  }

  /** Ends the window. */
  collect(): void {
    this.#gc?.collect();
    this.#window = readGauges(this.#options.addon);
  }

  /** Looks at what is alive at the end of a window; the profile comes back with what was found. */
  inspect(heap: Profile): Profile {
    if (this.#gc === undefined) return heap;
    const endMillis = milliseconds(Number((heap.timeNanos + heap.durationNanos) / 1_000_000n));
    this.#leaks.add(heap, { endMillis, fullCollections: this.#gc.fullCollections });
    const { leaks } = this.#leaks;
    if (leaks.length === 0) return heap;
    return { ...heap, comments: [...heap.comments, ...leaks.map(describe)] };
  }

  /** Sampling has begun anew. */
  forgetLive(): void {
    this.#leaks.reset();
  }

  stop(): void {
    this.#options.addon?.heapLimitStop();
    this.#gc?.stop();
  }

  status(): MemoryStatus {
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

const isoTime = (millis: Milliseconds): string => new Date(millis).toISOString();
