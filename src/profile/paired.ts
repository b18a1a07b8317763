import { SpanprofError } from '../errors.ts';
import { ProfileBuilder } from './builder.ts';
import { copySamples } from './copy-samples.ts';
import { checkCompatible } from './merge.ts';
import type { Profile } from './model.ts';

/** Two profiles over one set of tables, so that a stack or function has one index in both. */
export interface Paired {
  /** The tables; its columns are first those of the base, then those of the other. */
  readonly profile: Profile;
  /** Columns of the base, in its order. */
  readonly base: readonly (readonly number[])[];
  /** Columns of the other, in the same order. */
  readonly other: readonly (readonly number[])[];
}

/**
 * Puts two profiles side by side. Header and comments are the other's. Throws a `SpanprofError` with
 * code `PROFILES_INCOMPATIBLE` if profile type, value types or period type differ.
 */
export function paired(base: Profile, other: Profile): Paired {
  checkCompatible(base, other);
  const { functions, locations, stacks, labelSets, samples, ...header } = other;
  const width = header.sampleTypes.length;
  const sampleTypes = [...header.sampleTypes, ...header.sampleTypes];
  const builder = new ProfileBuilder({ ...header, sampleTypes });
  copySamples(widened(base, 0, width), builder);
  copySamples(widened(other, width, 0), builder);
  const profile = builder.build();
  const { values } = profile.samples;
  return { profile, base: values.slice(0, width), other: values.slice(width) };
}

/** The same samples with columns of zeros in front of and behind their own. */
function widened(profile: Profile, before: number, after: number): Profile {
  const { samples } = profile;
  if (samples.values.some((column) => column.some((value) => value < 0))) {
    throw new SpanprofError('PROFILES_INCOMPATIBLE', { reason: 'one is a difference already' });
  }
  const zeros = samples.stack.map(() => 0);
  const values = [
    ...Array.from({ length: before }, () => zeros),
    ...samples.values,
    ...Array.from({ length: after }, () => zeros),
  ];
  return { ...profile, samples: { ...samples, values } };
}
