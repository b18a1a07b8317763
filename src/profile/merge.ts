import { SpanprofError } from '../errors.ts';
import { ProfileBuilder } from './builder.ts';
import { copySamples } from './copy-samples.ts';
import type { Profile, ProfileHeader, ValueType } from './model.ts';

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
  for (const other of others) checkCompatible(first, other);
  const builder = new ProfileBuilder(mergedHeader(first, profiles));
  for (const profile of profiles) copySamples(profile, builder);
  return builder.build();
}

function mergedHeader(first: Profile, profiles: readonly Profile[]): ProfileHeader {
  let timeNanos = 0n;
  let durationNanos = 0n;
  let period = 0;
  const comments = new Set<string>();
  for (const profile of profiles) {
    const isEarlier = timeNanos === 0n || profile.timeNanos < timeNanos;
    if (profile.timeNanos !== 0n && isEarlier) timeNanos = profile.timeNanos;
    durationNanos += profile.durationNanos;
    period = Math.max(period, profile.period);
    for (const comment of profile.comments) comments.add(comment);
  }
  return {
    profileType: first.profileType,
    sampleTypes: first.sampleTypes,
    periodType: first.periodType,
    period,
    timeNanos,
    durationNanos,
    comments: [...comments],
  };
}

/** Throws as `merge` does if the two are not of one kind. */
export function checkCompatible(one: Profile, other: Profile): void {
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
