/** A day's worth of scopes: nothing of them stays, and nothing that ran in them lives longer. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Status } from '../../src/index.ts';
import { programs, runProgram } from '../helpers/programs.ts';

const SECONDS = Number(process.env['TEST_SOAK_SECONDS'] ?? 300);
/** Ten million at the default. */
const SCOPES = Math.ceil((10_000_000 * SECONDS) / 300);

interface Memory {
  readonly heapUsed: number;
  readonly rss: number;
  readonly external: number;
}

interface Day {
  readonly memory: readonly Memory[];
  readonly notCollected: readonly number[];
  readonly watchedAStep: number;
  readonly bills: NonNullable<Status['bills']>;
  readonly scopes: NonNullable<Status['scopes']>;
  readonly otel: Status['otel'];
  readonly cpuMicros: number;
  readonly elapsedMillis: number;
  readonly opened: number;
  readonly invocations: number;
  readonly sessions: number;
}

test(`${SCOPES} scopes opened and closed leave nothing behind`, async () => {
  const { stdout, stderr, code } = await runProgram(join(programs, 'soak/bills-day.mjs'), {
    args: [String(SCOPES)],
    timeoutMillis: 1_100_000,
  });
  expect([code, stderr]).toEqual([0, '']);
  const day = JSON.parse(stdout) as Day;
  const { memory, bills, scopes, otel, opened } = day;
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  // The table of scopes held weakly shrinks and grows by 4 MB, so the highest of a quarter each.
  const quarter = memory.length / 4;
  const first = highest(memory.slice(quarter, 2 * quarter));
  const last = highest(memory.slice(3 * quarter));
  console.log(
    `${opened} scopes in ${(day.elapsedMillis / 1e3).toFixed(1)} s, ${(day.cpuMicros / opened).toFixed(2)} µs CPU each; ` +
      `heap ${memory.map(({ heapUsed }) => megabytes(heapUsed)).join(' ')} MB, ` +
      `resident ${megabytes(first.rss)} to ${megabytes(last.rss)} MB`,
  );
  expect(opened).toBeGreaterThanOrEqual(SCOPES);
  expect(bills.opened).toBe(opened);
  expect(day.invocations).toBe((opened / 5) * 2);
  expect(otel).toMatchObject({ state: 'linked', spans: opened / 5, failures: 0 });
  expect(day.sessions).toBe(100);
  // Whatever they kept would be there at the end.
  expect(last.heapUsed - first.heapUsed).toBeLessThan(2e6);
  expect(last.external - first.external).toBeLessThan(2e6);
  expect(last.rss - first.rss).toBeLessThan(30e6);
  // Runs in invocations that still take late work.
  expect(bills.open).toBeLessThanOrEqual(1_000);
  expect(bills.folded).toBe(0);
  expect(scopes.recent).toBeLessThanOrEqual(128);
  expect(scopes.older).toBeLessThanOrEqual(262_144);
  // Promises made inside are gone with the first collection after their scope's end.
  expect(day.watchedAStep).toBe(300);
  expect(day.notCollected).toEqual(memory.map(() => 0));
});

function highest(memory: readonly Memory[]): Memory {
  const of = (key: keyof Memory) => Math.max(...memory.map((one) => one[key]));
  return { heapUsed: of('heapUsed'), rss: of('rss'), external: of('external') };
}
