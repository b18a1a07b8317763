/**
 * An inspector client samples the heap by itself while ours runs: starts and stops, stops only,
 * starts with another interval. Prints what our status says after each window.
 */
import { Session } from 'node:inspector';
import { flush, run, start, status, stop } from 'spanprof';

const session = new Session();
session.connect();
const ask = (method, params) =>
  new Promise((resolve) => session.post(method, params, (error) => resolve(error?.message)));

const kept = [];
function allocate_a() {
  for (let i = 0; i < 20_000; i++) kept[i] = { i, text: `number ${i}`, list: [i, i] };
}
const seen = [];
async function window() {
  run({ agent_name: 'a' }, allocate_a);
  await flush();
  seen.push(status().heap.restarts);
}

await start();
await window();
await ask('HeapProfiler.enable');
for (let i = 0; i < 5; i++) {
  await ask('HeapProfiler.startSampling', { samplingInterval: 1000 + i });
  allocate_a();
  await ask('HeapProfiler.stopSampling');
  await window();
  await window();
}
// Theirs replaces ours between two windows.
await ask('HeapProfiler.stopSampling');
await ask('HeapProfiler.startSampling', { samplingInterval: 999 });
await window();
await ask('HeapProfiler.stopSampling');
await window();
await window();
const { heap, messages } = status();
await stop();
allocate_a();
console.log(JSON.stringify({ seen, heap, messages }));
