/** V8 collects as it seldom does: everything about the heap must hold under each of them. */
export const GC_FLAGS: readonly string[] = [
  '--stress-scavenge=50',
  '--gc-interval=500',
  '--stress-compaction',
  '--max-semi-space-size=1',
  '--single-threaded',
  '--jitless',
];
