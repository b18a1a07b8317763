import type { Profile, ProfileHeader } from './model.ts';

/**
 * One value of a profile with several, as a profile of its own: the count column (the first) and
 * `valueColumn`, of the samples in which that value is not 0. Tables are shared, not copied.
 */
export function project(profile: Profile, valueColumn: number, header: ProfileHeader): Profile {
  const { stack, labelSet, values } = profile.samples;
  const value = values[valueColumn] ?? [];
  const kept: number[] = [];
  for (let i = 0; i < stack.length; i++) if ((value[i] ?? 0) > 0) kept.push(i);
  const pick = (column: readonly number[] | undefined): number[] =>
    kept.map((i) => column?.[i] ?? 0);
  return {
    ...profile,
    ...header,
    samples: {
      stack: pick(stack),
      labelSet: pick(labelSet),
      values: [pick(values[0]), pick(value)],
    },
  };
}
