import type { Profile } from './model.ts';

/** What each function cost, by its index: itself (`flat`) and with all it called (`cum`). */
export interface FunctionTotals {
  readonly flat: Float64Array;
  readonly cum: Float64Array;
}

/** Flat and cumulated value of each function; one that calls itself counts once. Signed values too. */
export function functionTotals(profile: Profile, values: readonly number[]): FunctionTotals {
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
