/**
 * Opens and closes that many invocations, with an await and a run inside of each, and prints what memory
 * did from the first tenth to the end.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { accounts, measure, run, start, status, stop } from '../../../dist/index.js';

const count = Number(process.argv[2] ?? 100_000);
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
let collected = 0;
const registry = new FinalizationRegistry(() => collected++);

await start({
  windowSeconds: 3600,
  exporters: [],
  attribution: { budgetPercent: 100, maxSwitchesPerSecond: 1e9 },
});
const inner = async () => null;
let watched = 0;
async function one(i) {
  const promise = measure({ agent_name: `agent-${i % 150}`, session_id: `s-${i}` }, () =>
    run({ tool_name: 'tool' }, inner),
  );
  if (i % 1000 === 0) {
    registry.register(promise, i);
    watched++;
  }
  const { usage } = await promise;
  return usage.cpuMicros;
}
async function many(n) {
  for (let i = 0; i < n; i++) {
    await one(i);
    if (i % 1000 === 0) await turn();
  }
}
async function memory() {
  for (let i = 0; i < 5; i++) {
    await turn();
    gc();
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { heapUsed, rss };
}
await many(count / 10);
const before = await memory();
const begin = process.cpuUsage();
await many(count - count / 10);
const { user, system } = process.cpuUsage(begin);
const after = await memory();
const report = accounts();
const { bills, scopes } = status();
await stop();
console.log(
  JSON.stringify({
    ...{ before, after, bills, scopes, watched, collected },
    cpuNanosEach: ((user + system) * 1000) / (count * 0.9),
    named: report.sessions.named.length,
    agents: report.agents.named.length,
  }),
);
