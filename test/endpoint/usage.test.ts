import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { UsageSnapshot } from '../../src/endpoint/usage.ts';
import { programs, runProgram } from '../helpers/programs.ts';

test('usage says what agents, tools and sessions have cost, and what is open', async () => {
  const { stdout, stderr } = await runProgram(join(programs, 'endpoint/usage.mjs'));
  expect(stderr).toBe('');
  const usage = JSON.parse(stdout) as UsageSnapshot;
  expect(usage.method).toBe('exact');
  expect(usage.agents.map(({ name, invocations }) => [name, invocations])).toEqual([
    ['heavy', 1],
    ['light', 2],
    ['busy', 1],
  ]);
  const [heavy, light, busy] = usage.agents.map(({ cpuMicros }) => cpuMicros);
  // The clock of the process also counts V8's helper threads, so a little less is billed.
  expect(heavy).toBeGreaterThan(200_000);
  expect((heavy ?? 0) / (light ?? 1)).toBeGreaterThan(2);
  expect(busy).toBeGreaterThan(10_000);
  expect(usage.tools.map(({ name }) => name)).toEqual(['search']);
  expect(usage.sessions.map(({ name }) => name)).toEqual(['s-1']);
  expect(usage.open).toMatchObject([{ id: 'i-7', agent: 'busy' }]);
  const sum = usage.agents.reduce((total, { cpuMicros }) => total + cpuMicros, 0);
  expect(Math.abs(usage.total.cpuMicros - usage.unattributed.cpuMicros - sum)).toBeLessThan(1_000);
});
