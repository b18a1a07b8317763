/**
 * The measured side of every load: a fixed number of operations after a warm-up, and what they cost
 * this process. Told to bench/run.mjs as a message.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const { wrap, evidence } = await import(
  `../variants/${process.env['BENCH_ADAPTER'] ?? 'nothing'}.mjs`
);

/** Runs a function as the work of an owner, in the way of the profiler at hand. */
export { wrap };

/** Since the start of the process; the first window ends in it, and with it what is loaded once. */
const WARM_UP_MILLIS = Number(process.env['BENCH_WARM_UP_MILLIS'] ?? 500);
const COUNT = Number(process.env['BENCH_COUNT'] ?? 100);
/** The end of a window must be in it: on a faster machine the operations are done again. */
const LEAST_MILLIS = Number(process.env['BENCH_WINDOW_SECONDS'] ?? 0) * 1_050;
const NANOS_PER_MILLI = 1e6;
const LONGEST_TURN_MILLIS = 20;

// Whoever measured is gone.
process.on('disconnect', () => process.exit());

const delay = monitorEventLoopDelay({ resolution: 2 });
let state = 'warm-up';
let left = COUNT;
let operations = COUNT;
let beginMillis = 0;
let cpuAtBegin = process.cpuUsage();

/** One operation is done. Returns whether more are wanted. */
export function done() {
  if (state === 'measuring') {
    if (--left > 0) return true;
    if (performance.now() - beginMillis > LEAST_MILLIS) finish();
    else {
      left = Math.ceil(COUNT / 8);
      operations += left;
    }
  } else if (state === 'warm-up' && performance.now() > WARM_UP_MILLIS) {
    state = 'measuring';
    delay.enable();
    beginMillis = performance.now();
    cpuAtBegin = process.cpuUsage();
  }
  return state !== 'over';
}

function finish() {
  const { user, system } = process.cpuUsage(cpuAtBegin);
  const endMillis = performance.now();
  state = 'over';
  delay.disable();
  const { rss, heapUsed } = process.memoryUsage();
  process.send?.({
    type: 'result',
    cpuMicros: (user + system) / operations,
    operations,
    wallMillis: endMillis - beginMillis,
    beginEpochMillis: performance.timeOrigin + beginMillis,
    endEpochMillis: performance.timeOrigin + endMillis,
    loopDelayP99Millis: delay.percentile(99) / NANOS_PER_MILLI,
    loopDelayMaxMillis: delay.max / NANOS_PER_MILLI,
    rssBytes: rss,
    heapUsedBytes: heapUsed,
    evidence: evidence?.(),
  });
}

/** For loads without requests: the operation again and again until enough is measured. */
export async function repeat(operation) {
  let yieldedMillis = performance.now();
  for (let i = 0; ; i++) {
    await operation(i);
    if (!done()) return;
    // Timers, windows and uploads must get their turn.
    if (performance.now() - yieldedMillis < LONGEST_TURN_MILLIS) continue;
    await sleep(1);
    yieldedMillis = performance.now();
  }
}

/** For servers: tells where it listens. @param {import('node:http').Server} server */
export function serve(server) {
  server.listen(0, '127.0.0.1', () => {
    process.send?.({ type: 'listening', port: server.address().port });
  });
}
