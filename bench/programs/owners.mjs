/**
 * Three owners burn CPU and allocate 60, 30 and 10 %, interleaved, through many ways to go on later; beside them
 * burns what belongs to nobody. Who it was is written on every stack: each owner has functions of its own.
 */
import { readFile } from 'node:fs';
import { readFile as readFileAsync } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const { wrap } = await import(`../variants/${process.env['BENCH_ADAPTER']}.mjs`);
const untilMillis = performance.now() + Number(process.env['BENCH_SECONDS']) * 1_000;
const self = fileURLToPath(import.meta.url);

/** Some 50 µs, never the same: equal ones fall into step with a sampler. */
const TURNS = 30_000;
let seed = 12345;
function random() {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}
function spin(turns) {
  let x = 1;
  for (let i = 0; i < turns * (0.5 + random()); i++) x = x * 1.0000001 + 1e-9;
  return x;
}

// Bodies of their own, so that no inlining merges them.
const burn = {
  a: function burn_a() {
    return spin(6 * TURNS);
  },
  b: function burn_b() {
    return spin(3 * TURNS);
  },
  c: function burn_c() {
    return spin(TURNS);
  },
};
function burn_nobody() {
  return spin(TURNS);
}
const allocate = {
  a: function allocate_a() {
    return Array.from({ length: 180 }, (_, i) => ({ i, text: `a ${i}`, list: [i] }));
  },
  b: function allocate_b() {
    return Array.from({ length: 90 }, (_, i) => ({ i, text: `b ${i}`, list: [i] }));
  },
  c: function allocate_c() {
    return Array.from({ length: 30 }, (_, i) => ({ i, text: `c ${i}`, list: [i] }));
  },
};
const kept = { a: [], b: [], c: [] };

const later = (register) => new Promise((resolve) => register(resolve));
const ways = [
  (work) => Promise.resolve().then(work),
  (work) => later((done) => setTimeout(() => done(work()), 0)),
  (work) => later((done) => setImmediate(() => done(work()))),
  (work) => later((done) => process.nextTick(() => done(work()))),
  (work) => later((done) => queueMicrotask(() => done(work()))),
  (work) => Promise.all([sleep(0), Promise.resolve()]).then(work),
  (work) => later((done) => readFile(self, () => done(work()))),
  async (work) => {
    await readFileAsync(self);
    work();
  },
  async (work) => {
    for await (const _ of [1, 2]) work();
  },
];

async function owner(name) {
  const work = () => {
    burn[name]();
    kept[name].push(allocate[name]());
    if (kept[name].length > 200) kept[name].splice(0, 150);
  };
  for (let i = 0; performance.now() < untilMillis; i++) await ways[i % ways.length](work);
}

const nobody = setInterval(burn_nobody, 3);
await Promise.all(['a', 'b', 'c'].map((name) => wrap({ agent_name: name }, () => owner(name))));
clearInterval(nobody);
// The last window ends and is sent.
await sleep(Number(process.env['BENCH_WINDOW_SECONDS']) * 1_000 + 1_000);
process.send?.({ type: 'result', kept: kept.a.length });
