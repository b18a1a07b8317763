import { callTree, framePath, selfOf } from './call-tree.ts';
import { columnOf, valuesOf } from './columns.ts';
import type { Profile } from './model.ts';

export interface FoldedOptions {
  /** The value type to show (`cpu`); by default the last one, as pprof tools do. */
  readonly valueType?: string;
  /** Labels that stand as frames below the root, `agent_name=planner`, the first outermost. */
  readonly groupBy?: readonly string[];
}

/**
 * Folded stacks, one line per stack, the entry first, sorted by text: `main;plan;parse 30`. Values are in the
 * unit of the column. What the format cannot hold in a name (`;` and line breaks) is replaced.
 * Every line ends with a line break. Throws a `SpanprofError` with code `PROFILE_INVALID` if there
 * is no such value type.
 */
export function folded(profile: Profile, options: FoldedOptions = {}): string {
  const values = valuesOf(profile, columnOf(profile, options.valueType));
  const tree = callTree(profile, options.groupBy);
  const self = selfOf(tree, values);
  const names = tree.frames.map(({ name }) => plain(name));
  const sums = new Map<string, number>();
  for (let node = 1; node < tree.parent.length; node++) {
    const value = self[node] ?? 0;
    if (value === 0) continue;
    const path = framePath(tree, node)
      .map((frame) => names[frame] ?? '')
      .join(';');
    // Functions of one name in two files are two nodes and one line.
    sums.set(path, (sums.get(path) ?? 0) + value);
  }
  return [...sums]
    .map(([path, value]) => `${path} ${value}\n`)
    .sort()
    .join('');
}

function plain(name: string): string {
  return name.replaceAll(';', ':').replaceAll(/[\r\n\u2028\u2029]+/g, ' ');
}
