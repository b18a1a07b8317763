/** Bills against what the programs know of themselves and what the operating system says. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AccountsReport, Status, Usage } from '../../src/index.ts';
import { programs, type RunOptions, runProgram } from '../helpers/programs.ts';

const OWNERS = ['a', 'b', 'c'] as const;
const isNode22 = process.versions.node.startsWith('22.');
const variants: [string, string[]][] = [['as it comes', []]];
if (isNode22) variants.push(['async context frames', ['--experimental-async-context-frame']]);

async function output<Output>(name: string, options: RunOptions = {}): Promise<Output> {
  const result = await runProgram(join(programs, `truth/${name}.mjs`), {
    timeoutMillis: 150_000,
    ...options,
  });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(result.stdout) as Output;
}

interface Shares {
  readonly truthMicros: Readonly<Record<(typeof OWNERS)[number], number>>;
  readonly usages: Readonly<Record<(typeof OWNERS)[number], Usage>>;
  readonly accounts: AccountsReport;
  readonly threadCpuMicros: number;
  readonly outsideMicros: number;
  readonly mechanism: string;
  readonly bills: Status['bills'];
}

// Estimates because of the cost would be another test.
const unlimited = { SPANPROF_ATTRIBUTION_BUDGET_PERCENT: '100' };

describe.each(variants)('CPU time of three interleaved invocations, %s', (_, nodeArgs) => {
  test.each([
    { sliceMicros: 200, maxPercentOff: 2 },
    { sliceMicros: 20, maxPercentOff: 5 },
  ])(
    'slices of $sliceMicros µs: within $maxPercentOff %',
    async ({ sliceMicros, maxPercentOff }) => {
      const shares = await output<Shares>('bills', {
        args: [String(sliceMicros), '4000', '500'],
        nodeArgs,
        env: unlimited,
      });
      const { truthMicros, usages, accounts, threadCpuMicros, outsideMicros } = shares;
      if (nodeArgs.length > 0) expect(shares.mechanism).toBe('frame');
      const ownMicros = OWNERS.reduce((sum, owner) => sum + truthMicros[owner], 0);
      // What Node needs to go on later is theirs as well; it is the same for every slice.
      const { billed, late, unattributed } = accounts;
      const perSlice = billed.cpuMicros / ownMicros;
      expect(perSlice).toBeGreaterThan(0.99);
      expect(perSlice).toBeLessThan(1.3);
      for (const owner of OWNERS) {
        expect(usages[owner].method.cpuMicros).toBe('exact');
        const percentOff = (usages[owner].cpuMicros / (truthMicros[owner] * perSlice) - 1) * 100;
        expect(Math.abs(percentOff), `${owner} by ${percentOff} %`).toBeLessThan(maxPercentOff);
      }
      // The books, by the thread's clock as the program reads it.
      const all = [billed, late, unattributed].flatMap((one) => [one.cpuMicros, one.gcMicros]);
      const sum = all.reduce((one, other) => one + other, 0);
      expect(Math.abs(sum / threadCpuMicros - 1)).toBeLessThan(0.01);
      // And nothing is there by definition only: the rest is what ran outside, and little more.
      expect(unattributed.cpuMicros).toBeGreaterThan(outsideMicros - 0.01 * threadCpuMicros);
      expect(unattributed.cpuMicros).toBeLessThan(outsideMicros + 0.08 * threadCpuMicros);
    },
  );

  test('estimated from samples, within three standard errors', async () => {
    const { truthMicros, usages, bills } = await output<Shares>('bills', {
      args: ['200', '4000'],
      nodeArgs,
      env: { SPANPROF_ATTRIBUTION_CPU: 'sampled' },
    });
    expect(bills?.looksPerSecond).toBe(0);
    for (const owner of OWNERS) {
      const { cpuMicros, method, stdError } = usages[owner];
      expect(method.cpuMicros).toBe('sampled');
      expect(stdError.cpuMicros).toBeGreaterThan(0);
      const off = Math.abs(cpuMicros - truthMicros[owner]);
      // The truth leaves out what Node needs between the slices.
      expect(off).toBeLessThan(3 * (stdError.cpuMicros ?? 0) + 0.1 * truthMicros[owner]);
    }
  });
});

interface Memory {
  readonly truth: Readonly<Record<'hoard' | 'churn', number>>;
  readonly usages: Readonly<Record<'hoard' | 'churn', Usage>>;
}

test('one hoards 40 MB, one churns 400 MB: every figure says so', async () => {
  const { truth, usages } = await output<Memory>('bills-memory');
  for (const owner of ['hoard', 'churn'] as const) {
    const { allocatedBytes, stdError, method } = usages[owner];
    expect(method.allocatedBytes).toBe('sampled');
    const error = stdError.allocatedBytes ?? 0;
    // 64 KiB of 40 MB and 400 MB: the root of the number of samples.
    expect(error).toBeLessThan(0.06 * truth[owner]);
    expect(Math.abs(allocatedBytes - truth[owner])).toBeLessThan(3 * error);
  }
  const { peakLiveBytes, stdError } = usages.hoard;
  const off = Math.abs(peakLiveBytes - truth.hoard);
  expect(off).toBeLessThan(3 * (stdError.peakLiveBytes ?? 0));
  expect(stdError.peakLiveBytes).toBeLessThan(0.05 * truth.hoard);
  // Garbage that marking took for alive is not (16 MB a collection on Node 24).
  expect(usages.churn.peakLiveBytes).toBeLessThan(4e6);
  for (const { peakHeapBytes, openAtPeak, method } of Object.values(usages)) {
    expect(method.peakHeapBytes).toBe('process');
    expect(peakHeapBytes).toBeGreaterThan(45e6);
    expect(peakHeapBytes).toBeLessThan(200e6);
    expect(openAtPeak).toBeGreaterThanOrEqual(1);
    expect(openAtPeak).toBeLessThanOrEqual(2);
  }
});

test('estimated bytes: nineteen of twenty bills within twice their standard error, none favoured', async () => {
  const { bills } = await output<{
    bills: { truthBytes: number; allocatedBytes: number; stdErrorBytes: number; method: string }[];
  }>('bills-estimates');
  expect(bills).toHaveLength(60);
  expect(new Set(bills.map(({ method }) => method))).toEqual(new Set(['sampled']));
  const errors = bills.map(
    ({ truthBytes, allocatedBytes, stdErrorBytes }) =>
      (allocatedBytes - truthBytes) / stdErrorBytes,
  );
  const outside = (limit: number) => errors.filter((error) => Math.abs(error) > limit).length;
  // 2.7 of 60 are outside of two standard errors; more than nine by chance once in two thousand runs.
  expect(outside(2), errors.join(' ')).toBeLessThanOrEqual(9);
  // And 19 outside of one: an error that is stated too large would have none.
  expect(outside(1), errors.join(' ')).toBeGreaterThanOrEqual(7);
  const sum = (values: readonly number[]) => values.reduce((one, other) => one + other, 0);
  const off = sum(bills.map(({ truthBytes, allocatedBytes }) => allocatedBytes - truthBytes));
  const error = Math.sqrt(sum(bills.map(({ stdErrorBytes }) => stdErrorBytes ** 2)));
  const truth = sum(bills.map(({ truthBytes }) => truthBytes));
  // Of all together: more than seven thousand samples.
  expect(error).toBeLessThan(0.015 * truth);
  expect(Math.abs(off)).toBeLessThan(3.5 * error);
});

test('exact bytes are within 3 %', async () => {
  const { truth, usages } = await output<Memory>('bills-memory', {
    env: { ...unlimited, SPANPROF_ATTRIBUTION_BYTES: 'exact' },
  });
  for (const owner of ['hoard', 'churn'] as const) {
    const { allocatedBytes, stdError, method } = usages[owner];
    expect(method.allocatedBytes).toBe('exact');
    expect(stdError.allocatedBytes).toBeUndefined();
    // Promises and their like are theirs, and some 1.2 MB for a thousand turns.
    const off = allocatedBytes - truth[owner];
    expect(off).toBeGreaterThan(-0.005 * truth[owner]);
    expect(off).toBeLessThan(0.03 * truth[owner] + 0.3e6);
  }
});

test('garbage collection is charged by bytes: nine tenths allocated, nine tenths charged', async () => {
  const { usages } = await output<{ usages: Record<'much' | 'little', Usage> }>('bills-gc');
  const { much, little } = usages;
  const share = much.gcMicros / (much.gcMicros + little.gcMicros);
  expect(much.gcMicros).toBeGreaterThan(1_000);
  expect(share).toBeGreaterThan(0.85);
  expect(share).toBeLessThan(0.95);
});

test('a storm of awaits falls back to samples within a second, and comes back', async () => {
  const storm = await output<{
    fellBackMillis: number;
    methods: string[];
    awaits: number;
    usage: Usage;
    bills: NonNullable<Status['bills']>;
  }>('bills-storm');
  expect(storm.awaits).toBeGreaterThan(1_000_000);
  expect(storm.fellBackMillis).toBeLessThan(1_000);
  expect(storm.methods).toEqual(['exact', 'sampled', 'exact']);
  expect(storm.bills.fallbacks).toBeGreaterThanOrEqual(1);
  expect(storm.bills.returns).toBeGreaterThanOrEqual(1);
  expect(storm.usage.method.cpuMicros).toBe('sampled');
  const { cpuMicros, stdError, wallMicros } = storm.usage;
  expect(cpuMicros).toBeGreaterThan(2 * (stdError.cpuMicros ?? 0));
  expect(cpuMicros).toBeLessThan(wallMicros);
});

test('a hundred thousand bills leave nothing behind', async () => {
  const many = await output<{
    before: NodeJS.MemoryUsage;
    after: NodeJS.MemoryUsage;
    bills: NonNullable<Status['bills']>;
    watched: number;
    collected: number;
    named: number;
    agents: number;
  }>('bills-many', { args: ['100000'] });
  expect(many.bills.opened).toBe(200_000);
  expect(many.bills.open).toBeLessThanOrEqual(1_000);
  expect(many.bills.folded).toBe(0);
  expect(many.collected).toBe(many.watched);
  expect([many.named, many.agents]).toEqual([100, 100]);
  // The scope store alone remembers up to 262,144 scopes weakly.
  expect(many.after.heapUsed - many.before.heapUsed).toBeLessThan(32e6);
});

test('stopping takes everything back, and starting again works', async () => {
  const stopped = await output<{
    rounds: { result: boolean; during: string; cpuMicros: number; after: boolean }[];
    same: boolean;
    noneCpuMicros: number;
  }>('bills-stop');
  expect(stopped.same).toBe(true);
  expect(stopped.noneCpuMicros).toBe(0);
  expect(stopped.rounds).toHaveLength(3);
  for (const round of stopped.rounds) {
    expect(round).toMatchObject({ result: true, during: 'exact', after: true });
    expect(round.cpuMicros).toBeGreaterThan(500);
  }
});
