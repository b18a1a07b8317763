import { columnOf, valuesOf } from './columns.ts';
import type { Profile } from './model.ts';
import { commonScale, formatPercent } from './quantities.ts';

/** One function's share, in the unit of the value column. */
export interface TopEntry {
  readonly name: string;
  readonly file: string;
  /** Line on which the function begins, 1-based; 0 if unknown. */
  readonly line: number;
  /** What was recorded in the function itself. */
  readonly flat: number;
  /** What was recorded in it and in everything it called; recursion counts once. */
  readonly cum: number;
}

export interface TopOptions {
  /** By which number to sort, largest first, equal ones by name; `flat` by default. */
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
    .filter((entry) => entry.cum > 0)
    .sort((one, other) => other[sortBy] - one[sortBy] || compareNames(one, other))
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

function placeOf({ name, file, line }: TopEntry): string {
  if (file === '') return name;
  return line === 0 ? `${name} ${file}` : `${name} ${file}:${line}`;
}

function compareNames(one: TopEntry, other: TopEntry): number {
  const [left, right] = [placeOf(one), placeOf(other)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Flat and cumulated value of each function, by its index. */
function functionTotals(profile: Profile, values: readonly number[]) {
  const { parent, location } = profile.stacks;
  const functionOf = (stack: number): number =>
    profile.locations.function[location[stack] ?? -1] ?? -1;
  const flat = new Float64Array(profile.functions.name.length);
  const cum = new Float64Array(profile.functions.name.length);
  /** Per stack, its own value and that of all stacks below it. */
  const subtree = new Float64Array(location.length);
  for (const [sample, stack] of profile.samples.stack.entries()) {
    const value = values[sample] ?? 0;
    subtree[stack] = (subtree[stack] ?? 0) + value;
    const index = functionOf(stack);
    flat[index] = (flat[index] ?? 0) + value;
  }
  for (let stack = location.length - 1; stack >= 0; stack--) {
    const caller = parent[stack] ?? -1;
    if (caller >= 0) subtree[caller] = (subtree[caller] ?? 0) + (subtree[stack] ?? 0);
  }
  const depthOnPath = new Uint32Array(profile.functions.name.length);
  walk(parent, {
    enter(stack) {
      const index = functionOf(stack);
      const depth = depthOnPath[index] ?? 0;
      if (depth === 0) cum[index] = (cum[index] ?? 0) + (subtree[stack] ?? 0);
      depthOnPath[index] = depth + 1;
    },
    leave(stack) {
      const index = functionOf(stack);
      depthOnPath[index] = (depthOnPath[index] ?? 0) - 1;
    },
  });
  return { flat, cum };
}

/** Visits a trie given by parents, depth first, without recursion: stacks can be any depth. */
function walk(
  parent: readonly number[],
  visit: { enter(stack: number): void; leave(stack: number): void },
): void {
  const firstChild = new Int32Array(parent.length).fill(-1);
  const nextSibling = new Int32Array(parent.length).fill(-1);
  let firstRoot = -1;
  for (let stack = parent.length - 1; stack >= 0; stack--) {
    const caller = parent[stack] ?? -1;
    if (caller < 0) {
      nextSibling[stack] = firstRoot;
      firstRoot = stack;
    } else {
      nextSibling[stack] = firstChild[caller] ?? -1;
      firstChild[caller] = stack;
    }
  }
  let stack = firstRoot;
  while (stack >= 0) {
    visit.enter(stack);
    let next = firstChild[stack] ?? -1;
    while (next < 0 && stack >= 0) {
      visit.leave(stack);
      next = nextSibling[stack] ?? -1;
      if (next < 0) stack = parent[stack] ?? -1;
    }
    stack = next;
  }
}
