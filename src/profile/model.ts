/**
 * The one profile model. Samplers build it, `encode` writes it as pprof, everything else
 * (merge, filter, views) works on it. Terms are those of `profile.proto`.
 *
 * Shape: columns, not objects. A profile of 6,000 samples is a handful of arrays, so building one
 * allocates next to nothing and encoding walks memory in order.
 */

/** What a user asks for. */
export type ProfileType = 'cpu' | 'wall' | 'heap' | 'allocs';

/** Meaning and unit of one value column: (`cpu`, `nanoseconds`). */
export interface ValueType {
  readonly type: string;
  readonly unit: string;
}

/** A label's value: pprof knows strings and 64-bit integers. */
export type LabelValue = string | number;

/** Labels of one sample. Keys are unique; number values are safe integers. */
export type Labels = Readonly<Record<string, LabelValue>>;

/** What is true of a whole profile. */
export interface ProfileHeader {
  readonly profileType: ProfileType;
  /** One entry per value column, count first. */
  readonly sampleTypes: readonly ValueType[];
  readonly periodType: ValueType;
  /** Distance between samples, in the unit of `periodType`. */
  readonly period: number;
  /** Start of the window, nanoseconds since the Unix epoch. */
  readonly timeNanos: bigint;
  /** Length of the window, nanoseconds. */
  readonly durationNanos: bigint;
  /** Free text for people (`service=checkout`, `pid=42`); tools show it with `go tool pprof -comments`. */
  readonly comments: readonly string[];
}

/**
 * A finished profile. Indexes point into the tables of the same object:
 *
 *     samples.stack[i]  → stacks    (a trie: parent and location; -1 is the root)
 *     stacks.location   → locations (one frame: function and line)
 *     locations.function→ functions (name, file, first line)
 *     samples.labelSet  → labelSets
 *
 * A stack's *leaf* is the stack itself; walking `parent` goes towards the program's entry.
 * The same (stack, labelSet) pair occurs at most once.
 */
export interface Profile extends ProfileHeader {
  readonly functions: {
    readonly name: readonly string[];
    readonly file: readonly string[];
    /** Line on which the function begins, 1-based; 0 if unknown. */
    readonly startLine: readonly number[];
  };
  readonly locations: {
    readonly function: readonly number[];
    /** Line that ran, 1-based; 0 if unknown. */
    readonly line: readonly number[];
    /** Column that ran, 1-based; 0 if unknown. */
    readonly column: readonly number[];
  };
  readonly stacks: {
    /** The caller's stack; -1 for an entry frame. */
    readonly parent: readonly number[];
    readonly location: readonly number[];
  };
  readonly labelSets: readonly Labels[];
  readonly samples: {
    readonly stack: readonly number[];
    readonly labelSet: readonly number[];
    /** One column per sample type: `values[column][sample]`. Integers ≥ 0. */
    readonly values: readonly (readonly number[])[];
  };
}

/** The value types of each profile type; the same as Go's for the same names. */
export const SAMPLE_TYPES: Readonly<Record<ProfileType, readonly ValueType[]>> = {
  cpu: [
    { type: 'samples', unit: 'count' },
    { type: 'cpu', unit: 'nanoseconds' },
  ],
  wall: [
    { type: 'samples', unit: 'count' },
    { type: 'wall', unit: 'nanoseconds' },
  ],
  heap: [
    { type: 'inuse_objects', unit: 'count' },
    { type: 'inuse_space', unit: 'bytes' },
  ],
  allocs: [
    { type: 'alloc_objects', unit: 'count' },
    { type: 'alloc_space', unit: 'bytes' },
  ],
};

/** The period type of each profile type. */
export const PERIOD_TYPES: Readonly<Record<ProfileType, ValueType>> = {
  cpu: { type: 'cpu', unit: 'nanoseconds' },
  wall: { type: 'wall', unit: 'nanoseconds' },
  heap: { type: 'space', unit: 'bytes' },
  allocs: { type: 'space', unit: 'bytes' },
};

/** What a profile says of itself, without its tables and samples. */
export function headerOf(profile: Profile): ProfileHeader {
  const { profileType, sampleTypes, periodType, period, timeNanos, durationNanos, comments } =
    profile;
  return { profileType, sampleTypes, periodType, period, timeNanos, durationNanos, comments };
}
