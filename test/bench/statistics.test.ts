/** What bench/ says about its measurements is arithmetic, and arithmetic can be checked. */
import { expect, test } from 'vitest';
import { compareWithBaseline } from '../../bench/lib/baseline.mjs';
import {
  change,
  number,
  percent,
  percentMore,
  shortReason,
  table,
} from '../../bench/lib/markdown.mjs';
import { shuffled } from '../../bench/lib/order.mjs';
import {
  bootstrapError,
  compareRounds,
  mean,
  median,
  noiseFloor,
  pooledLogNoise,
  quantile,
  randomNumbers,
} from '../../bench/lib/statistics.mjs';
import { barChart } from '../../bench/lib/svg.mjs';

test('medians and quantiles', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(quantile([0, 10], 0.25)).toBe(2.5);
  expect(median([])).toBeNaN();
});

test('a bootstrap finds the standard error of a mean', () => {
  const random = randomNumbers(1);
  const values = Array.from({ length: 400 }, () => random());
  // A uniform number has a variance of 1/12.
  const expected = Math.sqrt(1 / 12 / values.length);
  const found = bootstrapError(values, mean);
  expect(found / expected).toBeGreaterThan(0.9);
  expect(found / expected).toBeLessThan(1.1);
  expect(bootstrapError(values, mean)).toBe(found);
  expect(bootstrapError([1], mean)).toBeNaN();
});

test('a drift that meets both in a round is not in their ratio', () => {
  const drift = [1, 1.5, 3, 0.7];
  const base = drift.map((factor) => 100 * factor);
  const other = drift.map((factor) => 103 * factor);
  const { ratio, error, rounds } = compareRounds(other, [base]);
  expect(ratio).toBeCloseTo(1.03, 10);
  expect(error).toBeCloseTo(0, 10);
  expect(rounds).toBe(4);
});

test('two bases count together, and a round without one is left out', () => {
  const { ratio, rounds } = compareRounds([110, 110, 110], [[100, 100], [121]]);
  // The first round against 110, the geometric mean of both; the third has no base.
  expect(ratio).toBeCloseTo(Math.sqrt(1.1), 10);
  expect(rounds).toBe(2);
  expect(compareRounds([], [[1]]).ratio).toBeNaN();
});

test('equal variants are within the noise floor in 95 of 100 tries', () => {
  const random = randomNumbers(7);
  // Twelve of them make a bell of the width 1.
  const bell = () => Array.from({ length: 12 }, random).reduce((sum, one) => sum + one, -6);
  const run = () => 100 * Math.exp(0.02 * bell());
  let within = 0;
  const tries = 1_000;
  for (let i = 0; i < tries; i++) {
    const [base, again, other] = [0, 1, 2].map(() => Array.from({ length: 4 }, run));
    if (base === undefined || again === undefined || other === undefined) throw new Error('never');
    const floor = noiseFloor(pooledLogNoise([base, again, other]), 4, 8);
    if (Math.abs(compareRounds(other, [base, again]).ratio - 1) <= floor) within++;
  }
  expect(within / tries).toBeGreaterThan(0.91);
  expect(within / tries).toBeLessThan(0.98);
});

test('the noise is that of single runs, whatever the groups are about', () => {
  expect(pooledLogNoise([[100, 100], [5, 5, 5], [7]])).toBe(0);
  expect(pooledLogNoise([[7]])).toBeNaN();
  const noise = pooledLogNoise([
    [100, 102],
    [1, 1.02],
  ]);
  expect(noise).toBeCloseTo(Math.log(1.02) / Math.SQRT2, 10);
});

test('how numbers are written', () => {
  expect([0.123, 1.234, 12.34, 1234.5, Number.NaN].map(number)).toEqual([
    '0.12',
    '1.23',
    '12.3',
    '1,235',
    '–',
  ]);
  expect([1.0123, 0.99, 1].map(percentMore)).toEqual(['+1.2 %', '−1.0 %', '+0.0 %']);
  expect([1, 0.99996, 0].map(percent)).toEqual(['100 %', '99.99 %', '0.00 %']);
  expect(change({ ratio: 1.012, error: 0.004, rounds: 3 }, 0.02)).toBe('not measurable (+1.2 %)');
  expect(change({ ratio: 1.052, error: 0.004, rounds: 3 }, 0.02)).toBe('**+5.2 %** ± 0.4');
  expect(change({ ratio: Number.NaN, error: Number.NaN, rounds: 0 }, 0.02)).toBe('–');
  expect(shortReason('\n  Error: no\n  at there')).toBe('Error: no');
  expect(table(['', 'a|b'], [['x', '1']])).toBe('|  | a\\|b |\n|---|---:|\n| x | 1 |');
});

test('an order is random, complete, and the same for the same seed', () => {
  const items = Array.from({ length: 20 }, (_, i) => i);
  expect(shuffled(items, 3)).toEqual(shuffled(items, 3));
  expect(shuffled(items, 3)).not.toEqual(shuffled(items, 4));
  expect(shuffled(items, 3).sort((a, b) => a - b)).toEqual(items);
  const first = new Set(Array.from({ length: 100 }, (_, seed) => shuffled(items, seed)[0]));
  expect(first.size).toBeGreaterThan(15);
});

test('a regression is what lies beyond its allowance', () => {
  const gates = [
    { name: 'same', value: 1.05, allowance: 0.1 },
    { name: 'worse', value: 1.31, allowance: 0.2 },
    { name: 'unknown', value: 9, allowance: 0 },
    { name: 'no number', value: Number.NaN, allowance: 1 },
  ];
  const baseline = { same: 1, worse: 1.1, 'no number': 1 };
  const { lines, worse } = compareWithBaseline(gates, baseline);
  expect(worse).toEqual(['worse', 'no number']);
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['good', 'WORSE', 'new', 'WORSE']);
  expect(compareWithBaseline(gates.slice(0, 1), baseline).worse).toEqual([]);
});

test('a chart has every bar, both themes, and nothing that breaks it', () => {
  const bars = [
    { label: 'ours', value: 2, error: 0.5, isOurs: true },
    { label: 'a < b & "c"', value: -1 },
    { label: 'failed', value: Number.NaN },
  ];
  const svg = barChart({ title: 'T', unit: '%', note: 'N', groups: [{ label: 'G', bars }] });
  expect(svg.match(/<rect /g)).toHaveLength(2);
  expect(svg).toContain('prefers-color-scheme: dark');
  expect(svg).toContain('a &lt; b &amp; "c"'.replaceAll('"', '&quot;'));
  expect(svg).not.toContain('NaN');
});
