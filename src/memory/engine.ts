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

/** Of the bytes of each sample of a heap profile, those that … */
export interface HeapAges {
  /** … were alive already the last time. */
  readonly survivedBytes: readonly number[];
  /** … the last full collection has proven to be alive. */
  readonly settledBytes: readonly number[];
}

/** What is alive at the end of a window. */
export interface LiveProfile {
  readonly heap: Profile;
  /** What is known of each of its samples beside. */
  readonly ages: HeapAges;
}

/** The profiles of one window, built when asked for: once, if it is to be cheap. */
export interface HeapProfiles {
  readonly live: () => LiveProfile;
  /** What was allocated in it, dead or alive; undefined where that is switched off or not possible. */
  readonly allocs: (() => Profile) | undefined;
}

/** What recording allocations has done since it started. */
export interface AllocsStatus {
  readonly samples: number;
  /** Samples beyond these that `heap.allocsPerSecond` left out: the others stand for them, no byte is lost. */
  readonly thinned: number;
  /** Of `samples`, those whose stack is not known: they have their labels and a frame `(no stack)`. */
  readonly withoutStack: number;
  /** Samples beyond both that the buffer had no room for: their bytes are missing. */
  readonly lost: number;
}

/** Part of `status()`. */
export interface HeapEngineStatus {
  /** Whether heap samples carry the labels of the scope that allocated. */
  readonly labels: boolean;
  /** Times another party ended our sampling and it was begun again. */
  readonly restarts: number;
  /** Undefined where allocations are not recorded. */
  readonly allocs: AllocsStatus | undefined;
}

/**
 * Samples the heap of this thread from `start` to `stop`.
 * Errors: `start` throws a SpanprofError; nothing else throws.
 */
export interface HeapEngine {
  start(): void;
  /**
   * Ends the window. Must be called after the CPU engine's, which brings the stacks of allocations.
   * `goOn`: another window follows. Undefined if
   * sampling does not run, or another party ended it; then it is begun again, as soon as that is
   * possible.
   */
  collect(window: HeapWindow, goOn: boolean): HeapProfiles | undefined;
  /** What is alive now, without ending the window; undefined as above. */
  snapshot(window: HeapWindow): Profile | undefined;
  /** Must be called before the process exits: Node 24 crashes with sampling on. */
  stop(): void;
  /** Ids of the scopes seen by samples since the last call. */
  seenScopes(): Iterable<number>;
  /** Whether the labels of a scope id are kept for samples that are still alive. */
  holds(scopeId: number): boolean;
  status(): HeapEngineStatus;
}

/** The header of one window's profile. */
export function heapHeader(
  profileType: 'heap' | 'allocs',
  intervalBytes: number,
  window: HeapWindow,
): ProfileHeader {
  return {
    profileType,
    sampleTypes: SAMPLE_TYPES[profileType],
    periodType: PERIOD_TYPES[profileType],
    period: intervalBytes,
    timeNanos: window.timeNanos,
    durationNanos: window.durationNanos,
    comments: window.comments,
  };
}
