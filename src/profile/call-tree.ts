import { TripleInterner } from './interner.ts';
import type { Labels, Profile } from './model.ts';

/** What a node of the tree stands for. */
export interface TreeFrame {
  readonly name: string;
  readonly file: string;
  /** Line on which the function begins, 1-based; 0 if unknown or not a function. */
  readonly line: number;
  readonly kind: 'root' | 'label' | 'function';
}

/**
 * The stacks of a profile, merged by function whatever the line, in columns. Node 0 is the root; a
 * node stands after its parent.
 */
export interface CallTree {
  /** -1 for the root. */
  readonly parent: readonly number[];
  /** → `frames` */
  readonly frame: readonly number[];
  readonly frames: readonly TreeFrame[];
  /** The node on which each sample stands. */
  readonly nodeOfSample: Int32Array;
}

/**
 * The tree of a profile. With `groupBy`, the values of these labels stand between the root and the
 * stacks as frames `agent_name=planner`, the first key outermost; a sample without the label has no
 * such frame.
 */
export function callTree(profile: Profile, groupBy: readonly string[] = []): CallTree {
  const { stacks, locations, functions, samples } = profile;
  const frames: TreeFrame[] = functions.name.map((name, index) => ({
    name,
    file: functions.file[index] ?? '',
    line: functions.startLine[index] ?? 0,
    kind: 'function',
  }));
  const root = frames.push({ name: 'all', file: '', line: 0, kind: 'root' }) - 1;
  /** (parent, frame, 0) */
  const nodes = new TripleInterner();
  nodes.intern(-1, root, 0);
  const groupOfSet = groupsOf(profile.labelSets, groupBy, frames, nodes);
  /** group × stack → node; only what occurs, as there may be many of both. */
  const known = new Map<number, number>();
  const path: number[] = [];
  const nodeOf = (group: number, leaf: number): number => {
    let node = group;
    for (let stack = leaf; stack >= 0; stack = stacks.parent[stack] ?? -1) {
      const found = known.get(group * stacks.parent.length + stack);
      if (found !== undefined) {
        node = found;
        break;
      }
      path.push(stack);
    }
    for (let stack = path.pop(); stack !== undefined; stack = path.pop()) {
      const frame = locations.function[stacks.location[stack] ?? -1] ?? root;
      node = nodes.intern(node, frame, 0);
      known.set(group * stacks.parent.length + stack, node);
    }
    return node;
  };
  const nodeOfSample = Int32Array.from(samples.stack, (stack, sample) =>
    nodeOf(groupOfSet[samples.labelSet[sample] ?? 0] ?? 0, stack),
  );
  return { parent: nodes.first, frame: nodes.second, frames, nodeOfSample };
}

/** The node below which the samples of each label set stand. */
function groupsOf(
  labelSets: readonly Labels[],
  keys: readonly string[],
  frames: TreeFrame[],
  nodes: TripleInterner,
): number[] {
  const frameOf = new Map<string, number>();
  return labelSets.map((labels) => {
    let node = 0;
    for (const key of keys) {
      const value = labels[key];
      if (value === undefined) continue;
      const name = `${key}=${value}`;
      let frame = frameOf.get(name);
      if (frame === undefined) {
        frame = frames.push({ name, file: '', line: 0, kind: 'label' }) - 1;
        frameOf.set(name, frame);
      }
      node = nodes.intern(node, frame, 0);
    }
    return node;
  });
}

/** What stands on each node itself, from a value column of the tree's profile. */
export function selfOf(tree: CallTree, values: readonly number[]): Float64Array {
  const self = new Float64Array(tree.parent.length);
  for (const [sample, node] of tree.nodeOfSample.entries()) {
    self[node] = (self[node] ?? 0) + (values[sample] ?? 0);
  }
  return self;
}

/** What stands on each node and on all below it. */
export function totalOf(tree: CallTree, values: readonly number[]): Float64Array {
  const total = selfOf(tree, values);
  for (let node = total.length - 1; node > 0; node--) {
    const parent = tree.parent[node] ?? 0;
    total[parent] = (total[parent] ?? 0) + (total[node] ?? 0);
  }
  return total;
}

/** The frames from below the root down to a node. */
export function framePath(tree: CallTree, node: number): number[] {
  const path: number[] = [];
  for (let at = node; at > 0; at = tree.parent[at] ?? 0) path.push(tree.frame[at] ?? 0);
  return path.reverse();
}

/** Calls back for each child of a node, in no particular order. */
export type EachChild = (node: number, visit: (child: number) => void) => void;

/** Walks from parents to children, which the tree itself does not know. */
export function childrenOf({ parent }: CallTree): EachChild {
  const firstChild = new Int32Array(parent.length);
  const nextSibling = new Int32Array(parent.length);
  for (let node = parent.length - 1; node > 0; node--) {
    const above = parent[node] ?? 0;
    nextSibling[node] = firstChild[above] ?? 0;
    firstChild[above] = node;
  }
  return (node, visit) => {
    // The root is nobody's child, so 0 ends the list.
    for (let child = firstChild[node] ?? 0; child > 0; child = nextSibling[child] ?? 0)
      visit(child);
  };
}
