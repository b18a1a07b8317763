import { diff } from '../profile/diff.ts';
import type { Profile } from '../profile/model.ts';

/**
 * What has come to the live heap between two looks at it and is still there; what has shrunk does
 * not count. Without a first look: all of the second.
 */
export function heapGrowth(
  before: Profile | undefined,
  after: Profile | undefined,
): Profile | undefined {
  if (before === undefined || after === undefined) return after;
  const change = diff(before, after);
  const { samples, timeNanos } = change;
  const values = samples.values.map((column) => column.map((value) => Math.max(0, value)));
  return {
    ...change,
    samples: { ...samples, values },
    timeNanos: before.timeNanos + before.durationNanos,
    durationNanos: timeNanos + after.durationNanos - before.timeNanos - before.durationNanos,
  };
}
