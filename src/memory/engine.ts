import {
  type Labels,
  PERIOD_TYPES,
  type Profile,
  type ProfileHeader,
  SAMPLE_TYPES,
} from '../profile/model.ts';

/** Everything a heap profile needs from outside. */
export interface HeapWindow {
  readonly timeNanos: bigint;
  readonly durationNanos: bigint;
  readonly comments: readonly string[];
  /** Labels of every sample of this thread (`thread` in workers). */
  readonly threadLabels: Labels;
}

/** Part of `status()`. */
export interface HeapEngineStatus {
  /** Whether heap samples carry the labels of the scope that allocated. */
  readonly labels: boolean;
  /** Times another party ended our sampling and it was begun again. */
  readonly restarts: number;
}

/**
 * Samples the heap of this thread from `start` to `stop`.
 * Errors: `start` throws a SpanprofError; nothing else throws.
 */
export interface HeapEngine {
  start(): void;
  /**
   * What is alive now. Undefined if sampling does not run, or another party ended it; then it is
   * begun again, as soon as that is possible.
   */
  collect(window: HeapWindow): Profile | undefined;
  /** Must be called before the process exits: Node 24 crashes with sampling on. */
  stop(): void;
  /** Ids of the scopes seen by samples since the last call. */
  seenScopes(): Iterable<number>;
  /** Whether the labels of a scope id are kept for samples that are still alive. */
  holds(scopeId: number): boolean;
  status(): HeapEngineStatus;
}

/** The header of one window's `heap` profile. */
export function heapHeader(intervalBytes: number, window: HeapWindow): ProfileHeader {
  return {
    profileType: 'heap',
    sampleTypes: SAMPLE_TYPES.heap,
    periodType: PERIOD_TYPES.heap,
    period: intervalBytes,
    timeNanos: window.timeNanos,
    durationNanos: window.durationNanos,
    comments: window.comments,
  };
}
