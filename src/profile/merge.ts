import { SpanprofError } from '../errors.ts';
import { ProfileBuilder } from './builder.ts';
import { copySamples } from './copy-samples.ts';
import { headerOf, type Profile, type ProfileHeader, type ValueType } from './model.ts';

/**
 * One profile with the samples of all: the values of equal (stack, labels) are added up. The header
 * follows Go's `profile.Merge`: the time is the earliest that is known, the duration the sum of all
 * (also where windows overlap, as those of several processes do), the period the largest, and every
 * comment stands once. Samples without any value are left out.
 *
 * Throws a `SpanprofError` with code `PROFILES_INCOMPATIBLE` if there are none or if profile type,
 * value types or period type differ.
 */
export function merge(profiles: readonly Profile[]): Profile {
  const [first, ...others] = profiles;
  if (first === undefined) throw incompatible('there are none');
  const merger = new Merger(first);
  for (const other of others) merger.addHeader(other);
  for (const profile of profiles) merger.addSamples(profile);
  return merger.build();
}

/** The same, one profile after another. */
export class Merger {
  readonly #builder: ProfileBuilder;
  #header: ProfileHeader;

  /** Begins with the header of a profile, and without its samples. */
  constructor(first: Profile) {
    this.#header = { ...headerOf(first), comments: [...new Set(first.comments)] };
    this.#builder = new ProfileBuilder(this.#header);
  }

  get header(): ProfileHeader {
    return this.#header;
  }

  get sampleCount(): number {
    return this.#builder.sampleCount;
  }

  /** Throws as `merge` does if it is not of one kind with the others. */
  addHeader(profile: Profile): void {
    checkCompatible(this.#header, profile);
    this.#header = mergedHeader(this.#header, profile);
  }

  addSamples(profile: Profile): void {
    copySamples(profile, this.#builder);
  }

  build(): Profile {
    return { ...this.#builder.build(), ...this.#header };
  }
}

function mergedHeader(one: ProfileHeader, other: ProfileHeader): ProfileHeader {
  const isEarlier = one.timeNanos === 0n || other.timeNanos < one.timeNanos;
  return {
    ...one,
    period: Math.max(one.period, other.period),
    timeNanos: other.timeNanos !== 0n && isEarlier ? other.timeNanos : one.timeNanos,
    durationNanos: one.durationNanos + other.durationNanos,
    comments: [...new Set([...one.comments, ...other.comments])],
  };
}

/** Throws as `merge` does if the two are not of one kind. */
export function checkCompatible(one: ProfileHeader, other: ProfileHeader): void {
  if (one.profileType !== other.profileType) {
    throw incompatible(`${one.profileType} and ${other.profileType} are different types`);
  }
  const values = one.sampleTypes.map(nameOf).join(', ');
  const otherValues = other.sampleTypes.map(nameOf).join(', ');
  if (values !== otherValues) {
    throw incompatible(`their values differ: ${values} and ${otherValues}`);
  }
  const period = nameOf(one.periodType);
  const otherPeriod = nameOf(other.periodType);
  if (period !== otherPeriod) {
    throw incompatible(`their period types differ: ${period} and ${otherPeriod}`);
  }
}

const nameOf = ({ type, unit }: ValueType): string => `${type}/${unit}`;

function incompatible(reason: string): SpanprofError {
  return new SpanprofError('PROFILES_INCOMPATIBLE', { reason });
}
