/**
 * After a warm-up three owners allocate 60/30/10 without a pause, then nothing happens for a while,
 * then they do so again in one burst. A window ends after each. Prints as JSON the bytes of an object,
 * and for both how many each owner has made and what recording them has done.
 *
 *     node alloc-storm.mjs <seconds without a pause> <megabytes of the burst>
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { flush, run, start, status, stop } from 'spanprof';
import { sizeOf } from './object-size.mjs';

const seconds = Number(process.argv[2] ?? 4);
const megabytes = Number(process.argv[3] ?? 100);
const BLOCKS = { a: 600, b: 300, c: 100 };
const WARM_UP_MILLIS = 1_000;
const IDLE_MILLIS = 3_000;

const block = new Array(128).fill(0);
const recent = new Array(64).fill(undefined);
function site_blocks(n) {
  for (let i = 0; i < n; i++) recent[i & 63] = block.slice();
}
// Called by a built-in function: V8 shows what happens in an inlined function at its caller.
const allocate = (count) => void [count, count].sort((n) => site_blocks(n));
const blockBytes = sizeOf(allocate);

const counts = { a: 0, b: 0, c: 0 };
async function round() {
  for (const [owner, count] of Object.entries(BLOCKS)) {
    counts[owner] += count;
    run({ agent_name: owner }, allocate, count);
    await null;
  }
}

async function allocateFor(millis) {
  for (const end = performance.now() + millis; performance.now() < end; ) await round();
}

async function phase(work) {
  const before = status().heap.allocs;
  for (const owner of Object.keys(counts)) counts[owner] = 0;
  const begin = performance.now();
  await work();
  const elapsedMillis = performance.now() - begin;
  await flush();
  const after = status().heap.allocs;
  const done = Object.fromEntries(
    Object.entries(after).map(([name, count]) => [name, count - before[name]]),
  );
  return { elapsedMillis, blocks: { ...counts }, ...done };
}

await start();
await phase(() => allocateFor(WARM_UP_MILLIS));
const steady = await phase(() => allocateFor(seconds * 1000));
await sleep(IDLE_MILLIS);
const burst = await phase(async () => {
  for (let bytes = 0; bytes < megabytes * 1e6; bytes += 1_000 * blockBytes) await round();
});
await stop();
console.log(JSON.stringify({ blockBytes, steady, burst }));
