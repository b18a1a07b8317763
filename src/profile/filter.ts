import { ProfileBuilder } from './builder.ts';
import { valuesOf } from './columns.ts';
import { copySamples } from './copy-samples.ts';
import { headerOf, type Labels, type Profile } from './model.ts';

/**
 * The samples whose labels the predicate accepts, with the same header. Stacks and functions that
 * no longer occur are gone, and so are samples without any value. The predicate is asked once per
 * distinct set of labels.
 */
export function filterByLabels(profile: Profile, predicate: (labels: Labels) => boolean): Profile {
  const builder = new ProfileBuilder(headerOf(profile));
  copySamples(profile, builder, (labelSet) => predicate(profile.labelSets[labelSet] ?? {}));
  return builder.build();
}

/**
 * Sums one value column by a key made of the labels, in that column's unit; `undefined` is a key
 * like any other (what has no agent, say). Largest sum first. `keyOf` is asked once per distinct
 * set of labels. Throws a `SpanprofError` with code `PROFILE_INVALID` if there is no such column.
 */
export function sumBy(
  profile: Profile,
  valueColumn: number,
  keyOf: (labels: Labels) => string | undefined,
): Map<string | undefined, number> {
  const values = valuesOf(profile, valueColumn);
  const bySet = new Array<number>(profile.labelSets.length).fill(0);
  const isUsed = new Uint8Array(profile.labelSets.length);
  for (const [sample, labelSet] of profile.samples.labelSet.entries()) {
    bySet[labelSet] = (bySet[labelSet] ?? 0) + (values[sample] ?? 0);
    isUsed[labelSet] = 1;
  }
  const sums = new Map<string | undefined, number>();
  for (const [labelSet, labels] of profile.labelSets.entries()) {
    if (isUsed[labelSet] === 0) continue;
    const key = keyOf(labels);
    sums.set(key, (sums.get(key) ?? 0) + (bySet[labelSet] ?? 0));
  }
  return new Map([...sums].sort(([, one], [, other]) => other - one));
}
