/** @pyroscope/nodejs as its documentation sets it up, with CPU time and labels. */
import { createRequire } from 'node:module';

const require = createRequire(new URL('../peers/index.js', import.meta.url));
const { default: pyroscope } = await import(require.resolve('@pyroscope/nodejs'));
const windowMillis = Number(process.env['BENCH_WINDOW_SECONDS']) * 1_000;
pyroscope.init({
  serverAddress: process.env['BENCH_SINK'],
  appName: 'bench',
  flushIntervalMs: windowMillis,
  wall: {
    collectCpuTime: true,
    samplingDurationMs: windowMillis,
    ...(process.env['BENCH_INTERVAL_MICROS'] === undefined
      ? {}
      : { samplingIntervalMicros: Number(process.env['BENCH_INTERVAL_MICROS']) }),
  },
  ...(process.env['BENCH_HEAP_BYTES'] === undefined
    ? {}
    : { heap: { samplingIntervalBytes: Number(process.env['BENCH_HEAP_BYTES']) } }),
});
pyroscope.start();

/** Its own copy of the sampler; a window of samples ends with this call. */
const { time } = createRequire(require.resolve('@pyroscope/nodejs'))('@datadog/pprof');
const { stop } = time;
let windows = 0;
time.stop = (...args) => {
  windows++;
  return stop(...args);
};
/** Windows so far. */
export const ended = () => windows;

/** Its `wrapWithLabels` drops what the function returns. */
export function wrap(labels, fn) {
  let result;
  pyroscope.wrapWithLabels(labels, () => {
    result = fn();
  });
  return result;
}
export { pyroscope };
