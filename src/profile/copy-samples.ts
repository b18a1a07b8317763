import type { ProfileBuilder } from './builder.ts';
import type { Profile } from './model.ts';

/**
 * Adds the samples of a profile to a builder with the same value types, and with them the stacks,
 * locations, functions and label sets they use, and no others. Samples that are 0 in every column
 * are left out, as Go's `profile.Merge` does. `keeps` is asked once per label set.
 */
export function copySamples(
  profile: Profile,
  builder: ProfileBuilder,
  keeps: (labelSet: number) => boolean = () => true,
): void {
  const { stack: stacks, labelSet: labelSets, values } = profile.samples;
  const kept = profile.labelSets.map((_, labelSet) => keeps(labelSet));
  const taken: number[] = [];
  for (let sample = 0; sample < stacks.length; sample++) {
    const isZero = values.every((column) => column[sample] === 0);
    if (kept[labelSets[sample] ?? -1] && !isZero) taken.push(sample);
  }
  const newStacks = copyStacks(profile, builder, taken);
  const newLabelSets = new Map<number, number>();
  const row: number[] = values.map(() => 0);
  for (const sample of taken) {
    const labelSet = labelSets[sample] ?? -1;
    let newLabelSet = newLabelSets.get(labelSet);
    if (newLabelSet === undefined) {
      newLabelSet = builder.labelSet(profile.labelSets[labelSet] ?? {});
      newLabelSets.set(labelSet, newLabelSet);
    }
    for (let column = 0; column < row.length; column++) row[column] = values[column]?.[sample] ?? 0;
    builder.addValues(newStacks[stacks[sample] ?? -1] ?? -1, newLabelSet, row);
  }
}

/** Copies the stacks of the given samples with all their callers; old index → new index. */
function copyStacks(profile: Profile, builder: ProfileBuilder, samples: readonly number[]) {
  const { parent, location } = profile.stacks;
  const used = new Uint8Array(location.length);
  for (const sample of samples) used[profile.samples.stack[sample] ?? -1] = 1;
  // A caller stands before its callees: mark callers from the end, then copy from the beginning.
  for (let stack = location.length - 1; stack >= 0; stack--) {
    const caller = parent[stack] ?? -1;
    if (used[stack] === 1 && caller >= 0) used[caller] = 1;
  }
  const copied = new Int32Array(location.length);
  const newLocations = new Map<number, number>();
  for (let stack = 0; stack < location.length; stack++) {
    if (used[stack] === 0) continue;
    const old = location[stack] ?? -1;
    let newLocation = newLocations.get(old);
    if (newLocation === undefined) {
      newLocation = copyLocation(profile, builder, old);
      newLocations.set(old, newLocation);
    }
    const caller = parent[stack] ?? -1;
    copied[stack] = builder.stack(caller < 0 ? -1 : (copied[caller] ?? -1), newLocation);
  }
  return copied;
}

function copyLocation(profile: Profile, builder: ProfileBuilder, location: number): number {
  const { function: functions, line, column } = profile.locations;
  const index = functions[location] ?? -1;
  const { name, file, startLine } = profile.functions;
  return builder.frame(
    name[index] ?? '',
    file[index] ?? '',
    line[location] ?? 0,
    startLine[index] ?? 0,
    column[location] ?? 0,
  );
}
