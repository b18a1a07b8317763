import { readFileSync } from 'node:fs';
import { decode } from '../../src/profile/decode.ts';
import type { Labels, Profile, ProfileType } from '../../src/profile/model.ts';
import { type ProfileFile, profileFiles } from './programs.ts';

export interface ReadProfile extends ProfileFile {
  readonly profile: Profile;
}

/** The profiles of one type in a folder, decoded, oldest first. */
export function readProfiles(folder: string, profileType: ProfileType): ReadProfile[] {
  return profileFiles(folder)
    .filter((file) => file.profileType === profileType)
    .map((file) => ({ ...file, profile: decode(readFileSync(file.path)) }));
}

export interface Sample {
  /** Function names, leaf first. */
  readonly stack: readonly string[];
  readonly labels: Labels;
  readonly count: number;
  readonly value: number;
}

/** All samples with names instead of indexes; `value` is the second column. */
export function samplesOf(profile: Profile): Sample[] {
  const { samples, stacks, locations, functions, labelSets } = profile;
  return samples.stack.map((leaf, i) => {
    const stack: string[] = [];
    for (let at = leaf; at >= 0; at = stacks.parent[at] ?? -1) {
      const location = stacks.location[at] ?? 0;
      stack.push(functions.name[locations.function[location] ?? 0] ?? '');
    }
    return {
      stack,
      labels: labelSets[samples.labelSet[i] ?? 0] ?? {},
      count: samples.values[0]?.[i] ?? 0,
      value: samples.values[1]?.[i] ?? 0,
    };
  });
}

/** Sum of a value over the samples that `keep` keeps. */
export function total(
  samples: readonly Sample[],
  column: 'count' | 'value',
  keep: (sample: Sample) => boolean = () => true,
): number {
  return samples.reduce((sum, sample) => (keep(sample) ? sum + sample[column] : sum), 0);
}
