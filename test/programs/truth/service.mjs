/**
 * A service of two agents under load. It has an LRU cache, a pool of connections and a warm-up, as a
 * healthy one has; with `leak` one tool also hoards 10 KiB at each invocation. Prints what `status()`
 * says of the memory, and the peak of the heap by its own reading.
 *
 *     node service.mjs <seconds> [leak]
 */
import { flush, run, start, status, stop } from 'spanprof';

const seconds = Number(process.argv[2] ?? 10);
const leaks = process.argv[3] === 'leak';

const page = (i) => Array.from({ length: 40 }, (_, n) => ({ n, text: `line ${n} of ${i}` }));
const hoard = [];
function remember(i) {
  hoard.push(new Array(1280).fill(i));
}

const cache = new Map();
function cached(key) {
  const found = cache.get(key);
  cache.delete(key);
  cache.set(key, found ?? page(key));
  if (cache.size > 500) cache.delete(cache.keys().next().value);
}

const pool = [];
function connection(load) {
  while (pool.length <= Math.min(load, 20)) pool.push({ buffer: new Array(20_000).fill(0) });
  return pool[load % pool.length];
}

const templates = [];
function warmUp() {
  for (let i = 0; i < 300; i++) templates.push(page(i));
}

async function invocation(i) {
  await run({ agent_name: 'planner', session_id: `s-${i % 20}` }, async () => {
    for (let key = 0; key < 20; key++) cached((i * 20 + key) % 700);
    await run({ tool_name: 'search' }, async () => {
      connection(i % 50).last = page(i);
      await null;
    });
  });
  await run({ agent_name: 'writer', session_id: `s-${i % 20}` }, async () => {
    await run({ tool_name: 'browser' }, async () => {
      page(i);
      // Called by a built-in function, so that it is not inlined: V8 would name the outer function then.
      if (leaks) [i, i].sort(remember);
    });
  });
}

await start();
run({ agent_name: 'planner' }, warmUp);
const begin = performance.now();
let highestSeen = 0;
let firstReportMillis;
let invocations = 0;
while (performance.now() - begin < seconds * 1000) {
  for (let i = 0; i < 5; i++) await invocation(invocations++);
  highestSeen = Math.max(highestSeen, process.memoryUsage().heapUsed);
  if (status().memory.leaks.length > 0) firstReportMillis ??= performance.now() - begin;
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await flush();
const { memory, heap } = status();
await stop();
console.log(JSON.stringify({ memory, heap, invocations, highestSeen, firstReportMillis }));
