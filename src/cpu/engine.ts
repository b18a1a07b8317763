import {
  type Labels,
  PERIOD_TYPES,
  type Profile,
  type ProfileHeader,
  SAMPLE_TYPES,
} from '../profile/model.ts';
import { NANOS_PER_SECOND } from '../units.ts';

/** The profiles of one window, built when asked for: once, if it is to be cheap. They have the same stacks. */
export interface CpuProfiles {
  readonly cpu: () => Profile;
  readonly wall: () => Profile;
}

/** What sampling has done since it started; part of `status()`. */
export interface CpuEngineStatus {
  /** `native`: the addon's collector. `portable`: @datadog/pprof, where the addon cannot load. */
  readonly engine: 'native' | 'portable';
  readonly samples: number;
  /** Signals without a stack, and those the buffer had no room for; their time goes to the next sample. */
  readonly lostSamples: number;
  /** Times V8's profiler stopped taking samples and was restarted. */
  readonly restarts: number;
}

/** Everything a window needs from outside. */
export interface WindowContext {
  /** Start of the window, nanoseconds since the Unix epoch. */
  readonly timeNanos: bigint;
  readonly durationNanos: bigint;
  readonly comments: readonly string[];
  /** Labels of every sample of this thread (`thread` in workers). */
  readonly threadLabels: Labels;
}

/**
 * Takes CPU and wall samples of this thread, one window after another without a gap.
 * Errors: `start` throws a SpanprofError; nothing else throws.
 */
export interface CpuEngine {
  start(): void;
  /**
   * Ends the window and returns its profiles; with `goOn` the next window begins at the same
   * moment. Undefined if sampling does not run.
   */
  collect(window: WindowContext, goOn: boolean): CpuProfiles | undefined;
  /** Ends without a result. */
  stop(): void;
  /** Ids of the scopes seen by samples since the last call. */
  seenScopes(): Iterable<number>;
  status(): CpuEngineStatus;
}

/** The header of one window's `cpu` or `wall` profile. */
export function cpuHeader(
  profileType: 'cpu' | 'wall',
  frequencyHertz: number,
  window: WindowContext,
): ProfileHeader {
  return {
    profileType,
    sampleTypes: SAMPLE_TYPES[profileType],
    periodType: PERIOD_TYPES[profileType],
    period: Math.round(NANOS_PER_SECOND / frequencyHertz),
    timeNanos: window.timeNanos,
    durationNanos: window.durationNanos,
    comments: window.comments,
  };
}
