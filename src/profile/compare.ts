import { functionTotals } from './function-totals.ts';
import type { Profile } from './model.ts';
import { paired } from './paired.ts';
import { commonScale } from './quantities.ts';
import { compareNames, type FunctionPlace, placeOf } from './top.ts';

/** What one function cost before and after, in the unit of the value column. */
export interface Comparison extends FunctionPlace {
  readonly flatBefore: number;
  readonly flatAfter: number;
  readonly cumBefore: number;
  readonly cumAfter: number;
}

export interface CompareOptions {
  /** By whose change to sort, largest first whatever its sign; `flat` by default. */
  readonly sortBy?: 'flat' | 'cum';
  /** Multiply the base's values by this, to compare windows of different lengths. */
  readonly baseScale?: number;
}

/**
 * The functions whose cost differs between two profiles. Throws a `SpanprofError` with code
 * `PROFILES_INCOMPATIBLE` if these are not of one kind.
 */
export function compare(
  base: Profile,
  other: Profile,
  column: number,
  { sortBy = 'flat', baseScale = 1 }: CompareOptions = {},
): Comparison[] {
  const pair = paired(base, other);
  const before = functionTotals(pair.profile, pair.base[column] ?? []);
  const after = functionTotals(pair.profile, pair.other[column] ?? []);
  const { name, file, startLine } = pair.profile.functions;
  const changeOf = (one: Comparison): number =>
    Math.abs(sortBy === 'flat' ? one.flatAfter - one.flatBefore : one.cumAfter - one.cumBefore);
  return name
    .map((text, index) => ({
      name: text,
      file: file[index] ?? '',
      line: startLine[index] ?? 0,
      flatBefore: Math.round((before.flat[index] ?? 0) * baseScale),
      flatAfter: after.flat[index] ?? 0,
      cumBefore: Math.round((before.cum[index] ?? 0) * baseScale),
      cumAfter: after.cum[index] ?? 0,
    }))
    .filter((one) => one.flatBefore !== one.flatAfter || one.cumBefore !== one.cumAfter)
    .sort((one, other) => changeOf(other) - changeOf(one) || compareNames(one, other));
}

/** The same as a table for people; every line ends with a line break. */
export function formatComparison(entries: readonly Comparison[], unit: string): string {
  const format = commonScale(
    entries.flatMap((one) => [one.flatBefore, one.flatAfter, one.cumBefore, one.cumAfter]),
    unit,
  );
  const signed = (value: number): string => `${value > 0 ? '+' : ''}${format(value)}`;
  const rows = entries.map((one) => [
    format(one.flatBefore),
    format(one.flatAfter),
    signed(one.flatAfter - one.flatBefore),
    signed(one.cumAfter - one.cumBefore),
  ]);
  const lines = [['before', 'after', 'flat', 'cum'], ...rows].map((cells, index) => {
    const entry = entries[index - 1];
    const place = entry === undefined ? '' : `  ${placeOf(entry)}`;
    return `${cells.map((cell) => cell.padStart(11)).join('')}${place}\n`;
  });
  return lines.join('');
}
