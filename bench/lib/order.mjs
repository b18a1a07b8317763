import { randomNumbers } from './statistics.mjs';

/**
 * The same in another order, the same one for the same seed.
 * @template Item @param {readonly Item[]} items @param {number} seed @returns {Item[]}
 */
export function shuffled(items, seed) {
  const random = randomNumbers(seed + 1);
  // The first numbers of neighbouring seeds are alike.
  for (let i = 0; i < 8; i++) random();
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** The Nodes of some runs, newest first. @param {readonly { major: number }[]} runs @returns {number[]} */
export const majorsOf = (runs) =>
  [...new Set(runs.map(({ major }) => major))].sort((a, b) => b - a);
