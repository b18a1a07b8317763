import type { ProfileType, ValueType } from './model.ts';

/**
 * The profile type that a foreign profile comes closest to, from the names its profiler gave.
 * `defaultType` is the value its profiler wants to be shown first, '' if it did not say.
 *
 * Live memory wins over allocations, as Go's heap profiles have both, unless allocations are what is
 * to be shown first. Wall wins over CPU: a profile with both was sampled on the wall clock. What
 * fits nowhere (locks, goroutines) is taken for waiting, hence `wall`.
 */
export function guessProfileType(
  sampleTypes: readonly ValueType[],
  periodType: ValueType | undefined,
  defaultType: string,
): ProfileType {
  const names = sampleTypes.map(({ type }) => type);
  const some = (pattern: RegExp): boolean => names.some((name) => pattern.test(name));
  if (some(ALLOCATIONS) && (ALLOCATIONS.test(defaultType) || !some(LIVE))) return 'allocs';
  if (some(LIVE)) return 'heap';
  if (some(/^wall$/)) return 'wall';
  if (some(/^cpu$/) || periodType?.type === 'cpu') return 'cpu';
  return sampleTypes.at(-1)?.unit === 'bytes' ? 'heap' : 'wall';
}

const LIVE = /^(inuse_)?(objects|space)$/;
const ALLOCATIONS = /^alloc_/;
