import type { Profile } from './model.ts';
import { paired } from './paired.ts';

/**
 * What `other` has more than `base`, sample by sample; less is negative, and what did not change is
 * left out. Time and duration are the other's. `top`, `folded` and the call tree take such a profile;
 * `validate`, `merge` and `encode` do not, as their values are counts.
 *
 * Throws a `SpanprofError` with code `PROFILES_INCOMPATIBLE` if profile type, value types or period
 * type differ.
 */
export function diff(base: Profile, other: Profile): Profile {
  const pair = paired(base, other);
  const { stack, labelSet } = pair.profile.samples;
  const change = pair.other.map((column, index) =>
    column.map((value, sample) => value - (pair.base[index]?.[sample] ?? 0)),
  );
  const kept = Array.from(stack.keys()).filter((sample) =>
    change.some((column) => column[sample] !== 0),
  );
  const pick = (column: readonly number[]): number[] => kept.map((sample) => column[sample] ?? 0);
  return {
    ...pair.profile,
    sampleTypes: other.sampleTypes,
    samples: { stack: pick(stack), labelSet: pick(labelSet), values: change.map(pick) },
  };
}
