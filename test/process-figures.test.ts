import { expect, test } from 'vitest';
import { processFigures } from '../src/process-figures.ts';

test('the figures of the process are those of the operating system, and sums only grow', () => {
  const before = processFigures();
  const kept = new Uint8Array(64 * 2 ** 20).fill(1);
  const start = process.cpuUsage();
  for (let value = 0; process.cpuUsage(start).user < 200_000; ) value += Math.sqrt(value + 1);
  const after = processFigures();
  expect(after.cpuMicros - before.cpuMicros).toBeGreaterThanOrEqual(200_000);
  expect(after.uptimeMicros).toBeGreaterThan(before.uptimeMicros);
  expect(after.externalBytes - before.externalBytes).toBeGreaterThan(0.9 * kept.length);
  expect(after.residentBytes).toBeGreaterThan(kept.length);
  expect(after.heapUsedBytes).toBeGreaterThan(2 ** 20);
  expect(after.loopActiveMicros).toBeGreaterThan(before.loopActiveMicros);
  expect(after.loopIdleMicros).toBeGreaterThanOrEqual(before.loopIdleMicros);
});
