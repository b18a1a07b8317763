import { expect, test } from 'vitest';
import { usageFromAccounts } from '../../src/endpoint/usage-from-accounts.ts';
import { milliseconds } from '../../src/units.ts';

const figures = (cpuMicros: number) => ({
  ...{ cpuMicros, gcMicros: cpuMicros / 10, allocatedBytes: cpuMicros * 2 },
  ...{ inputTokens: 30, outputTokens: 4 },
});
const nothing = { cpuMicros: 0, gcMicros: 0, allocatedBytes: 0, inputTokens: 0, outputTokens: 0 };

test('accounts become what the page shows, and the books still balance', () => {
  const usage = usageFromAccounts(
    {
      agents: { named: [{ ...figures(300), name: 'planner' }], other: figures(100) },
      tools: { named: [{ ...figures(200), name: 'search' }], other: nothing },
      sessions: { named: [], other: nothing },
      billed: figures(500),
      late: figures(20),
      unattributed: figures(80),
    },
    { sinceMillis: milliseconds(5), method: 'sampled', open: [] },
  );
  expect(usage.agents).toEqual([
    { name: 'planner', cpuMicros: 300, gcMicros: 30, allocatedBytes: 600, tokens: 34 },
    { name: '(other)', cpuMicros: 100, gcMicros: 10, allocatedBytes: 200, tokens: 34 },
  ]);
  expect(usage.tools.map(({ name }) => name)).toEqual(['search']);
  expect(usage.sessions).toEqual([]);
  expect(usage.total.cpuMicros).toBe(600);
  expect(usage.unattributed.cpuMicros).toBe(80);
  expect(usage).toMatchObject({ sinceMillis: 5, method: 'sampled', open: [] });
});
