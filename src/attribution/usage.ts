import type { Labels } from '../profile/model.ts';
import { type Bytes, bytes, type Microseconds, microseconds } from '../units.ts';

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

/** What a span says of its bill. */
export interface Totals extends Amounts {
  readonly cpuMethod: UsageMethod;
}

/** The bill of a scope with everything inside it; `self` leaves out the scopes inside. */
export interface Usage extends Amounts {
  readonly self: Amounts;
  readonly method: Readonly<Record<keyof Amounts, UsageMethod>>;
  /** Standard error of each figure that is an estimate, in its unit. */
  readonly stdError: Partial<Readonly<Record<keyof Amounts, number>>>;
  /** Bills (not inside of another) that were open when `peakHeapBytes` was reached, this one included. */
  readonly openAtPeak: number;
  readonly labels: Labels;
}

/** Tokens a language model took and gave. */
export interface TokenCounts {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** How each figure comes about where everything is measured as well as it can be. */
export const METHODS: Usage['method'] = Object.freeze({
  cpuMicros: 'exact',
  wallMicros: 'exact',
  allocatedBytes: 'sampled',
  peakHeapBytes: 'process',
  peakLiveBytes: 'sampled',
  externalBytes: 'process',
  gcMicros: 'sampled',
  turns: 'exact',
  longestTurnMicros: 'exact',
});

const nothing: Amounts = Object.freeze({
  cpuMicros: microseconds(0),
  wallMicros: microseconds(0),
  allocatedBytes: bytes(0),
  peakHeapBytes: bytes(0),
  peakLiveBytes: bytes(0),
  externalBytes: bytes(0),
  gcMicros: microseconds(0),
  turns: 0,
  longestTurnMicros: microseconds(0),
});

/** The bill where nothing is billed: without a running agent, or without the addon. */
export const NO_USAGE: Usage = Object.freeze({
  ...nothing,
  self: nothing,
  method: METHODS,
  stdError: Object.freeze({}),
  openAtPeak: 0,
  labels: Object.freeze({}),
});
