/** V8 is asked to begin a full collection, and it does one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { addon, GC_KINDS } from '../../src/native.ts';

const FIELDS = 3;
const AT = GC_KINDS.indexOf('markSweep') * FIELDS;

test.skipIf(addon === undefined)('a full collection comes, and its moment is known', async () => {
  if (addon === undefined) return;
  addon.gcStart();
  try {
    const begin = Number(process.hrtime.bigint());
    addon.gcBeginMarking();
    let settledNanos = 0;
    while (settledNanos < begin) {
      await sleep(20);
      const kept = Array.from({ length: 10_000 }, (_, i) => ({ i }));
      expect(kept).toHaveLength(10_000);
      settledNanos = addon.gcTake()?.settledNanos ?? 0;
    }
    expect(settledNanos).toBeLessThan(Number(process.hrtime.bigint()));
    addon.gcBeginMarking();
    let full = 0;
    while (full === 0) {
      await sleep(20);
      full = addon.gcTake()?.totals[AT] ?? 0;
    }
  } finally {
    addon.gcStop();
  }
});
