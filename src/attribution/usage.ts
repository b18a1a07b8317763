import type { Labels } from '../profile/model.ts';
import type { Bytes, Microseconds } from '../units.ts';

/**
 * How a figure came about. `exact`: read from a clock or a counter at every switch. `sampled`: from
 * the profiler's samples, with a standard error. `process`: true of the whole process meanwhile.
 */
export type UsageMethod = 'exact' | 'sampled' | 'process';

/** What a piece of work cost. */
export interface Amounts {
  readonly cpuMicros: Microseconds;
  readonly wallMicros: Microseconds;
  readonly allocatedBytes: Bytes;
  /** The largest heap the process had while it ran, whoever owned it. */
  readonly peakHeapBytes: Bytes;
  /** The most that objects it allocated took up at one time, from labelled heap samples. */
  readonly peakLiveBytes: Bytes;
  /** Growth of memory outside of V8's heap (array buffers, native objects); may be negative. */
  readonly externalBytes: Bytes;
  /** Its part of garbage collection, by bytes allocated. */
  readonly gcMicros: Microseconds;
  /** Turns of the event loop that ran its code, and the longest of them. */
  readonly turns: number;
  readonly longestTurnMicros: Microseconds;
}

/** The bill of a scope with everything inside it; `self` leaves out the scopes inside. */
export interface Usage extends Amounts {
  readonly self: Amounts;
  readonly method: Readonly<Record<keyof Amounts, UsageMethod>>;
  /** Standard error of each figure that is an estimate, in its unit. */
  readonly stdError: Partial<Readonly<Record<keyof Amounts, number>>>;
  readonly labels: Labels;
}
