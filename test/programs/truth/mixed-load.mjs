/**
 * CPU of every kind a process has: JavaScript in and outside of scopes, garbage collection, idle
 * waiting, native work on the main thread, work in libuv's pool. Prints what the operating system's
 * clocks say it used while the profiler ran.
 *
 *     node mixed-load.mjs <seconds>
 */
import { pbkdf2, pbkdf2Sync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzipSync, gzip, gzipSync } from 'node:zlib';
import { run, start, status, stop } from 'spanprof';

const seconds = Number(process.argv[2] ?? 30);

/** The scheduler's account of a thread, in milliseconds. */
function threadMillis() {
  return (
    Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6
  );
}
function processMillis() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

const deriveKey = promisify(pbkdf2);
const compress = promisify(gzip);
const text = Buffer.from('the quick brown fox jumps over the lazy dog '.repeat(4000));

function javascript(millis) {
  const begin = performance.now();
  let x = 1;
  while (performance.now() - begin < millis) for (let i = 0; i < 500; i++) x = x * 1.0000001 + 1e-9;
  return x;
}
const kept = [];
function garbage() {
  for (let i = 0; i < 20_000; i++) kept[i % 5_000] = { i, text: `number ${i}`, more: [i, i, i] };
}

const work = [
  async () => javascript(3),
  async () => garbage(),
  async () => pbkdf2Sync('p', 's', 3_000, 32, 'sha256'),
  async () => deriveKey('p', 's', 6_000, 32, 'sha256'),
  async () => gunzipSync(gzipSync(text)),
  async () => compress(text),
  async () => sleep(4),
  async () => JSON.parse(JSON.stringify(kept.slice(0, 500))),
];

await start();
const threadBefore = threadMillis();
const processBefore = processMillis();
const until = performance.now() + seconds * 1000;
async function loop(first) {
  for (let i = first; performance.now() < until; i++) await work[i % work.length]();
}
await Promise.all([run({ agent_name: 'a' }, loop, 0), run({ agent_name: 'b' }, loop, 3), loop(5)]);
const threadUsed = threadMillis() - threadBefore;
const processUsed = processMillis() - processBefore;
const { mechanism, windows } = status();
await stop();
console.log(JSON.stringify({ threadUsed, processUsed, mechanism, windows }));
