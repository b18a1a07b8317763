import { SpanprofError } from '../errors.ts';
import type { Profile } from './model.ts';

/**
 * The index of the value column with this type (`cpu`, `inuse_space`). Without a type: the last
 * one, which is what pprof tools show unless told otherwise. Throws a `SpanprofError` with code
 * `PROFILE_INVALID` if there is no such column.
 */
export function columnOf(profile: Profile, type?: string): number {
  if (type === undefined) return profile.sampleTypes.length - 1;
  const column = profile.sampleTypes.findIndex((sampleType) => sampleType.type === type);
  if (column < 0) {
    const types = profile.sampleTypes.map((sampleType) => sampleType.type).join(', ');
    throw new SpanprofError('PROFILE_INVALID', {
      reason: `it has no value type ${type}, only ${types}`,
    });
  }
  return column;
}

/** One value column. Throws a `SpanprofError` with code `PROFILE_INVALID` if there is no such column. */
export function valuesOf(profile: Profile, column: number): readonly number[] {
  const values = profile.samples.values[column];
  if (values === undefined) {
    throw new SpanprofError('PROFILE_INVALID', {
      reason: `it has no value column ${column}, only ${profile.samples.values.length}`,
    });
  }
  return values;
}
