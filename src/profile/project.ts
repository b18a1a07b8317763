import type { Profile, ProfileHeader } from './model.ts';

/**
 * One value of a profile with several, as a profile of its own: the count column (the first) and
 * `valueColumn`, of the samples in which that value is not 0. Tables are shared, not copied.
 */
export function project(profile: Profile, valueColumn: number, header: ProfileHeader): Profile {
  const { samples } = profile;
  const all = samples.values[valueColumn] ?? [];
  const counts = samples.values[0] ?? [];
  const stack: number[] = [];
  const labelSet: number[] = [];
  const count: number[] = [];
  const value: number[] = [];
  for (let i = 0; i < all.length; i++) {
    const own = all[i] ?? 0;
    if (own <= 0) continue;
    stack.push(samples.stack[i] ?? 0);
    labelSet.push(samples.labelSet[i] ?? 0);
    count.push(counts[i] ?? 0);
    value.push(own);
  }
  return { ...profile, ...header, samples: { stack, labelSet, values: [count, value] } };
}
