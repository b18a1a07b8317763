/** "Did you mean …?": the known name nearest to an unknown one. */

/** Longer names than this are no typing slips, and comparing them would cost time. */
const MAX_LENGTH = 80;
/** A shorter fragment is part of too many names to mean one of them. */
const MIN_FRAGMENT_LENGTH = 4;
/** Wrong characters to a name: a slip of the keys (`hep`), and a name from memory (`sample_rate`). */
const SLIP = 1 / 4;
const GUESS = 1 / 3;
/** `cpu` is the shortest name of ours that people lengthen (`cpu.enabled`, `SPANPROF_CPU_ENABLED`). */
const MIN_STEM_LENGTH = 3;

/**
 * The known path meant by `given`: a neighbour in the same group first, then one elsewhere whose
 * last part has that name. `undefined` if none is near.
 */
export function nearestPath(given: string, known: readonly string[]): string | undefined {
  if (given.length > MAX_LENGTH) return undefined;
  const at = given.lastIndexOf('.') + 1;
  const group = given.slice(0, at);
  const leaf = flatten(given.slice(at));
  const others = known.filter((path) => path !== given);
  const neighbours = others.filter(
    (path) => path.startsWith(group) && !path.slice(at).includes('.'),
  );
  return (
    misspelt(leaf, neighbours, SLIP) ??
    partOf(leaf, neighbours) ??
    partOf(leaf, others) ??
    misspelt(leaf, neighbours, GUESS)
  );
}

function misspelt(wanted: string, known: readonly string[], tolerance: number): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length * tolerance)) + 1;
  for (const path of known) {
    const distance = editDistance(wanted, leafOf(path));
    if (distance < bestDistance) {
      best = path;
      bestDistance = distance;
    }
  }
  return best;
}

/** The shortest name that contains `wanted`, else the longest that `wanted` begins with. */
function partOf(wanted: string, known: readonly string[]): string | undefined {
  const longer = known.filter(
    (path) => wanted.length >= MIN_FRAGMENT_LENGTH && leafOf(path).includes(wanted),
  );
  if (longer.length > 0) return longer.reduce((a, b) => (b.length < a.length ? b : a));
  const stems = known.filter((path) => {
    const leaf = leafOf(path);
    return leaf.length >= MIN_STEM_LENGTH && wanted.startsWith(leaf);
  });
  return stems.reduce<string | undefined>(
    (best, path) => (best === undefined || path.length > best.length ? path : best),
    undefined,
  );
}

const leafOf = (path: string): string => flatten(path.slice(path.lastIndexOf('.') + 1));

/** Case and underscores are no difference worth counting. */
const flatten = (name: string): string => name.toLowerCase().replaceAll('_', '');

/** Insertions, deletions, replacements and swaps of neighbours that turn one text into the other. */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped =
        row > 1 &&
        column > 1 &&
        from[row - 1] === to[column - 2] &&
        from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          (last[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (last[column - 1] ?? 0) + (same ? 0 : 1),
          swapped ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
