/**
 * The same work every second, for long: requests of three agents, garbage, waiting. Prints a line of
 * JSON every five seconds, with the memory of the process, and at the end what was measured.
 *
 *     node steady-load.mjs <seconds>
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { run, start, status, stop } from 'spanprof';

const seconds = Number(process.argv[2] ?? 600);

function burn(turns) {
  let x = 1;
  for (let i = 0; i < turns; i++) x = x * 1.0000001 + 1e-9;
  return x;
}
async function request(agent, i) {
  await run(
    { agent_name: agent, invocation_id: `${agent}-${i}`, session_id: `s-${i % 50}` },
    async () => {
      burn(300_000);
      await sleep(2);
      const garbage = Array.from({ length: 2_000 }, (_, n) => ({ n, text: `number ${n}` }));
      await run({ tool_name: 'sort' }, async () => {
        garbage.sort((a, b) => b.n - a.n);
        await null;
        burn(200_000);
      });
    },
  );
}

await start();
const begin = performance.now();
const report = setInterval(() => {
  const { rss, heapUsed, external } = process.memoryUsage();
  const { total_physical_size: heapPhysical, malloced_memory: mallocedByV8 } = getHeapStatistics();
  const atMillis = performance.now() - begin;
  console.log(JSON.stringify({ atMillis, rss, heapUsed, heapPhysical, mallocedByV8, external }));
}, 5_000);
for (let i = 0; performance.now() - begin < seconds * 1000; i++) {
  await Promise.all(['a', 'b', 'c'].map((agent) => request(agent, i)));
  await sleep(20);
}
clearInterval(report);
const { scopes, exporters, cpu } = status();
await stop();
const elapsedMillis = performance.now() - begin;
const { windows, ownCpuMicros } = status();
console.log(JSON.stringify({ elapsedMillis, windows, ownCpuMicros, scopes, exporters, cpu }));
