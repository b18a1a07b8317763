/** What is said about repeated measurements. Everything is deterministic: bootstraps are seeded. */

/** @param {readonly number[]} values */
export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Between the two middle ones where their number is even. @param {readonly number[]} values */
export const median = (values) => quantile(values, 0.5);

/** Interpolated; NaN of nothing. @param {readonly number[]} values @param {number} share 0 … 1 */
export function quantile(values, share) {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** Half of the distance from the smallest to the largest. @param {readonly number[]} values */
export const halfRange = (values) => (Math.max(...values) - Math.min(...values)) / 2;

/**
 * Numbers from 0 to 1, the same for the same seed.
 * @param {number} seed
 */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Standard error of a statistic, by resampling.
 * @param {readonly number[]} values @param {(values: readonly number[]) => number} statistic
 * @param {number} [rounds]
 */
export function bootstrapError(values, statistic, rounds = 500) {
  if (values.length < 2) return Number.NaN;
  const random = randomNumbers(values.length * 7919 + 1);
  const results = Array.from({ length: rounds }, () =>
    statistic(values.map(() => values[Math.floor(random() * values.length)] ?? Number.NaN)),
  );
  const centre = mean(results);
  return Math.sqrt(mean(results.map((result) => (result - centre) ** 2)));
}

/**
 * How much the logarithm of one run's figure scatters around the middle of its own group, over all
 * groups: the noise of one run, from many more runs than any single group has.
 * @param {readonly (readonly number[])[]} groups
 */
export function pooledLogNoise(groups) {
  let squares = 0;
  let degrees = 0;
  for (const group of groups) {
    if (group.length < 2) continue;
    const logs = group.map(Math.log);
    const centre = mean(logs);
    squares += logs.reduce((sum, value) => sum + (value - centre) ** 2, 0);
    degrees += group.length - 1;
  }
  return degrees === 0 ? Number.NaN : Math.sqrt(squares / degrees);
}

/**
 * @typedef {object} Comparison
 * @property {number} ratio geometric mean of the rounds' ratios
 * @property {number} error standard error of the ratio
 * @property {number} rounds
 */

/**
 * One variant against the base, round by round: a slow change of the machine meets both.
 * @param {readonly number[]} values @param {readonly (readonly number[])[]} bases one list a variant
 *   that counts as base; entry i of each list is from round i
 * @returns {Comparison}
 */
export function compareRounds(values, bases) {
  const logs = [];
  for (const [round, value] of values.entries()) {
    const base = bases.map((list) => list[round]).filter((one) => one !== undefined);
    if (base.length === 0 || value === undefined) continue;
    logs.push(Math.log(value) - mean(base.map(Math.log)));
  }
  if (logs.length === 0) return { ratio: Number.NaN, error: Number.NaN, rounds: 0 };
  const ratio = Math.exp(mean(logs));
  return { ratio, error: ratio * bootstrapError(logs, mean), rounds: logs.length };
}

/**
 * What two equal variants may differ by in 95 of 100 tries, as a part of 1.
 * @param {number} noise of one run (`pooledLogNoise`)
 * @param {number} rounds of the variant @param {number} baseRuns all runs of the base
 */
export const noiseFloor = (noise, rounds, baseRuns) =>
  2 * noise * Math.sqrt(1 / rounds + 1 / baseRuns);
