/** The highest the heap has been since a moment, against a program that knows. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { addon } from '../../src/native.ts';

const MIB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Holds so many MiB while it runs, and nothing after. */
function hold(megabytes: number): number {
  const held = Array.from({ length: megabytes }, () => new Array(MIB / 8).fill(0));
  return held.length;
}

test.skipIf(addon === undefined)('marks see what came after them, and nothing before', () => {
  if (addon === undefined) return;
  addon.gcStart();
  collect();
  const before = process.memoryUsage().heapUsed;
  const first = addon.heapMark();
  expect(hold(80)).toBe(80);
  collect();
  const second = addon.heapMark();
  expect(hold(10)).toBe(10);
  collect();
  expect((addon.peakHeapBytesSince(first) - before) / MIB).toBeGreaterThan(79);
  expect((addon.peakHeapBytesSince(first) - before) / MIB).toBeLessThan(90);
  expect((addon.peakHeapBytesSince(second) - before) / MIB).toBeGreaterThan(9);
  expect((addon.peakHeapBytesSince(second) - before) / MIB).toBeLessThan(20);
  const third = addon.heapMark();
  const now = process.memoryUsage().heapUsed;
  expect(Math.abs(addon.peakHeapBytesSince(third) - now) / MIB).toBeLessThan(2);
  addon.gcStop();
});
