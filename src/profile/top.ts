import { columnOf, valuesOf } from './columns.ts';
import { functionTotals } from './function-totals.ts';
import type { Profile } from './model.ts';
import { commonScale, formatPercent } from './quantities.ts';

/** Which function. */
export interface FunctionPlace {
  readonly name: string;
  readonly file: string;
  /** Line on which the function begins, 1-based; 0 if unknown. */
  readonly line: number;
}

/** One function's share, in the unit of the value column. */
export interface TopEntry extends FunctionPlace {
  /** What was recorded in the function itself. */
  readonly flat: number;
  /** What was recorded in it and in everything it called; recursion counts once. */
  readonly cum: number;
}

export interface TopOptions {
  /** By which number to sort, largest first whatever its sign, equal ones by name; `flat` by default. */
  readonly sortBy?: 'flat' | 'cum';
  /** How many entries at most; all by default. */
  readonly limit?: number;
}

/**
 * The functions of a profile by what they cost. Throws a `SpanprofError` with code
 * `PROFILE_INVALID` if there is no such value column.
 */
export function top(profile: Profile, valueColumn: number, options: TopOptions = {}): TopEntry[] {
  const { sortBy = 'flat', limit = Number.POSITIVE_INFINITY } = options;
  const { flat, cum } = functionTotals(profile, valuesOf(profile, valueColumn));
  return profile.functions.name
    .map((name, index) => ({
      name,
      file: profile.functions.file[index] ?? '',
      line: profile.functions.startLine[index] ?? 0,
      flat: flat[index] ?? 0,
      cum: cum[index] ?? 0,
    }))
    .filter((entry) => entry.cum !== 0 || entry.flat !== 0)
    .sort(
      (one, other) => Math.abs(other[sortBy]) - Math.abs(one[sortBy]) || compareNames(one, other),
    )
    .slice(0, limit);
}

export interface FormatTopOptions extends TopOptions {
  /** The value type to show (`cpu`); by default the last one, as pprof tools do. */
  readonly valueType?: string;
}

/**
 * The same as a table for people, in the columns of `go tool pprof -top`, with the file and line of
 * each function behind its name. Ends without a line break.
 */
export function formatTop(profile: Profile, options: FormatTopOptions = {}): string {
  const column = columnOf(profile, options.valueType);
  const { type, unit } = profile.sampleTypes[column] ?? { type: '', unit: '' };
  const total = valuesOf(profile, column).reduce((sum, value) => sum + value, 0);
  const all = top(profile, column, { sortBy: options.sortBy ?? 'flat' });
  const entries = all.slice(0, options.limit);
  const shown = entries.reduce((sum, entry) => sum + entry.flat, 0);
  const format = commonScale([total, ...entries.map((entry) => entry.flat || entry.cum)], unit);
  const lines = [
    `Type: ${type}`,
    `Showing nodes accounting for ${format(shown)}, ${formatPercent(shown, total).trim()} of ${format(total)} total`,
  ];
  if (entries.length < all.length) {
    lines.push(`Showing top ${entries.length} nodes out of ${all.length}`);
  }
  lines.push('      flat  flat%   sum%        cum   cum%');
  let sum = 0;
  for (const entry of entries) {
    sum += entry.flat;
    const percents = [entry.flat, sum, entry.cum].map((value) => formatPercent(value, total));
    const [flat = '', running = '', cum = ''] = percents;
    lines.push(
      `${format(entry.flat).padStart(10)} ${flat} ${running} ${format(entry.cum).padStart(10)} ${cum}  ${placeOf(entry)}`,
    );
  }
  return lines.join('\n');
}

/** `name file:line`, as far as these are known. */
export function placeOf({ name, file, line }: FunctionPlace): string {
  if (file === '') return name;
  return line === 0 ? `${name} ${file}` : `${name} ${file}:${line}`;
}

/** By place, for an order that does not depend on that of the tables. */
export function compareNames(one: FunctionPlace, other: FunctionPlace): number {
  const [left, right] = [placeOf(one), placeOf(other)];
  return left < right ? -1 : left > right ? 1 : 0;
}
