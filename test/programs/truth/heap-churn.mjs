/**
 * Everything at once that could hurt heap sampling: labelled load, a worker that starts and is
 * terminated every second, and an inspector client that samples the heap by itself now and then.
 * Prints the RSS after every worker, and at the end what `status()` says.
 *
 *     node heap-churn.mjs <seconds>
 */
import { Session } from 'node:inspector';
import { isMainThread, Worker } from 'node:worker_threads';
import { run, start, status, stop } from 'spanprof';

const seconds = Number(process.argv[2] ?? 60);

function make(n) {
  return Array.from({ length: n }, (_, i) => ({ i, text: `number ${i}` }));
}
async function load(agent, endMillis) {
  const kept = [];
  for (let i = 0; performance.now() < endMillis; i++) {
    await run({ agent_name: agent, invocation_id: `${agent}-${i}` }, async () => {
      kept.push(make(500));
      if (kept.length > 50) kept.shift();
      await run({ tool_name: `t${i % 3}` }, async () => {
        await null;
        make(1_000);
      });
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
async function churn(endMillis) {
  let terminated = 0;
  while (performance.now() < endMillis) {
    const worker = new Worker(new URL(import.meta.url));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await worker.terminate();
    terminated++;
    // Only here, where no worker lives: one adds 30 MiB while it grows. By the clock, the reading would
    // drift through the workers' seconds, and a beat of a minute or two would look like growth.
    console.log(JSON.stringify({ rss: process.memoryUsage().rss }));
  }
  return terminated;
}
async function inspect(endMillis) {
  const session = new Session();
  session.connect();
  const ask = (method, params) =>
    new Promise((resolve) => session.post(method, params, () => resolve(undefined)));
  await ask('HeapProfiler.enable');
  while (performance.now() < endMillis) {
    // Theirs is refused while ours runs; to stop it is not.
    await ask('HeapProfiler.stopSampling');
    await ask('HeapProfiler.startSampling', { samplingInterval: 10_007 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await ask('HeapProfiler.stopSampling');
    await new Promise((resolve) => setTimeout(resolve, 9_700));
  }
  session.disconnect();
}

await start();
const end = performance.now() + seconds * 1000;
const agents = ['a', 'b', 'c'].map((agent) => load(agent, isMainThread ? end : 1e9));
if (isMainThread) {
  const [terminated] = await Promise.all([churn(end), inspect(end), ...agents]);
  const { heap, memory, scopes } = status();
  await stop();
  console.log(JSON.stringify({ terminated, heap, memory, scopes }));
}
