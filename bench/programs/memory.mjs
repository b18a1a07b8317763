/**
 * A steady, light load for minutes: some 200 owners a second that allocate a little and keep nothing. Tells
 * its memory every few seconds.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const { wrap } = await import(`../variants/${process.env['BENCH_ADAPTER']}.mjs`);
const untilMillis = performance.now() + Number(process.env['BENCH_SECONDS']) * 1_000;
const EVERY_MILLIS = 5_000;
const document = JSON.stringify(Array.from({ length: 50 }, (_, i) => ({ i, text: `row ${i}` })));

async function work(i) {
  const rows = JSON.parse(document);
  await null;
  return JSON.stringify(rows.map((row) => ({ ...row, tag: `t${i}` }))).length;
}
const samples = [];
let nextMillis = performance.now();
for (let i = 0; performance.now() < untilMillis; i++) {
  const labels = { agent_name: `agent-${i % 20}`, session_id: `s-${i % 5_000}` };
  await wrap(labels, () => work(i));
  if (i % 2 === 0) await sleep(10);
  if (performance.now() < nextMillis) continue;
  const { rss, heapUsed, external } = process.memoryUsage();
  samples.push({ seconds: performance.now() / 1_000, rss, heapUsed, external });
  nextMillis += EVERY_MILLIS;
}
process.send?.({ type: 'result', samples });
