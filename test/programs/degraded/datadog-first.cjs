// Preloaded before us: somebody else's profilers run already.
const { heap, time } = require('@datadog/pprof');
time.start({
  intervalMicros: 5_000,
  durationMillis: 60_000,
  withContexts: true,
  collectCpuTime: true,
});
heap.start(512 * 1024, 64);
// Before @datadog/pprof's own listener, which stops it.
process.prependListener('exit', () => {
  heap.stop();
  const samples = time.stop().sample.length;
  if (samples === 0) console.log('the other profiler got nothing');
});
