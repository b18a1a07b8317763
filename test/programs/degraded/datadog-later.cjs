// Preloaded after us: somebody else starts a CPU profiler while ours runs, and stops it again.
const { time } = require('@datadog/pprof');
time.start({
  intervalMicros: 5_000,
  durationMillis: 60_000,
  withContexts: true,
  collectCpuTime: true,
});
setTimeout(() => {
  const samples = time.stop().sample.length;
  if (samples === 0) console.log('the other profiler got nothing');
}, 100);
