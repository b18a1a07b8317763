/**
 * Two agents that burn CPU in functions of their own and keep memory, for as long as stdin is open.
 * With `idle` they do nothing. Prints one line of JSON when the endpoint listens, and at the end how
 * long it ran and what the kernel says of its CPU time. The names of the functions are the ground truth.
 */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { run, start, status } from 'spanprof';

const kept = [];
const numbers = new Float64Array(1_000);
function researchWork(millis) {
  const end = performance.now() + millis;
  while (performance.now() < end)
    for (let i = 0; i < 1_000; i++) numbers[i] = Math.sqrt(i + numbers[i]);
}
function writerWork(millis) {
  const end = performance.now() + millis;
  while (performance.now() < end)
    for (let i = 0; i < 1_000; i++) numbers[i] = Math.cbrt(i + numbers[i]);
}
// Called by V8 itself, so never inlined: V8's heap profiler does not see inlined functions.
function keepMemory(_, n) {
  return { n, text: `number ${n}` };
}
function keep() {
  kept.push(Array.from({ length: 2_000 }, keepMemory));
  if (kept.length > 200) kept.splice(0, 100);
}

async function agentLoop(agent_name, trace_id, tool_name, work) {
  for (;;) {
    await run({ agent_name, tool_name, trace_id }, async () => {
      work(3);
      await setImmediate();
      keep();
      work(2);
    });
    await sleep(2);
  }
}

await start();
const begin = performance.now();
const before = process.cpuUsage();
while (status().endpoint.length === 0) await sleep(5);
console.log(JSON.stringify(status().endpoint));
if (process.argv[2] !== 'idle') {
  void agentLoop('research_agent', 'a'.repeat(32), 'search', researchWork);
  void agentLoop('writer_agent', 'b'.repeat(32), 'render', writerWork);
}
process.stdin.resume().on('end', () => {
  const { user, system } = process.cpuUsage(before);
  const elapsedMillis = performance.now() - begin;
  console.log(JSON.stringify({ elapsedMillis, cpuMicros: user + system }));
  process.exit(0);
});
