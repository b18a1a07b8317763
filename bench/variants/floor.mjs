/** V8's CPU profiler alone, a window after another; nothing is made of what it finds. */
import { createRequire } from 'node:module';

const floor = createRequire(import.meta.url)(process.env['BENCH_FLOOR'] ?? '');
floor.start(Number(process.env['BENCH_INTERVAL_MICROS']));
const turns = [];
setInterval(
  () => turns.push(floor.turn()),
  Number(process.env['BENCH_WINDOW_SECONDS']) * 1_000,
).unref();

/** Windows so far. */
export const ended = () => turns.length;
export const wrap = (_labels, fn) => fn();
/** Milliseconds a window. */
export const parts = () =>
  turns.map(([restart, stop, walk, samples, free, nodes, count]) => ({
    'restart and stop': restart + stop,
    'walk the tree, read the samples': walk + samples,
    'free the profile': free,
    nodes,
    samples: count,
  }));
