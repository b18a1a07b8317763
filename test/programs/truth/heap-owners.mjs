/**
 * Three interleaved owners allocate 60/30/10 and keep a part of it, through every way Node runs code
 * later. Who allocated is written on every stack: each owner has a function of its own.
 *
 *     node heap-owners.mjs <rounds> [workers]
 *
 * With `workers`, four workers do so at once instead. Prints the scope mechanism of each thread as JSON.
 */
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { isMainThread, Worker } from 'node:worker_threads';
import { run, start, status, stop } from 'spanprof';

const rounds = Number(process.argv[2] ?? 1500);

// Named so that a stack tells its owner; three bodies, so that no inlining merges them.
const allocate = {
  a: function allocate_a(n) {
    const out = [];
    for (let i = 0; i < n; i++) out.push({ i, text: `a ${i}`, list: [i] });
    return out;
  },
  b: function allocate_b(n) {
    const out = [];
    for (let i = 0; i < n; i++) out.push({ i, text: `b ${i}`, list: [i] });
    return out;
  },
  c: function allocate_c(n) {
    const out = [];
    for (let i = 0; i < n; i++) out.push({ i, text: `c ${i}`, list: [i] });
    return out;
  },
};
const share = { a: 6, b: 3, c: 1 };
const kept = { a: [], b: [], c: [] };

async function leaf(owner, n) {
  await null;
  const made = allocate[owner](n);
  await new Promise(setImmediate);
  return made;
}
const ways = [
  () => new Promise((resolve) => setTimeout(resolve, 0)),
  () => readFile(new URL(import.meta.url)),
  () => new Promise((resolve) => process.nextTick(resolve)),
  async () => {
    for await (const chunk of Readable.from(['x'])) if (chunk === 'y') return;
  },
  (owner) => Promise.all([leaf(owner, 30 * share[owner]), leaf(owner, 20 * share[owner])]),
];
async function owner(name) {
  for (let round = 0; round < rounds; round++) {
    const made = await leaf(name, 100 * share[name]);
    await run({ tool_name: `t${round % 3}` }, ways[round % ways.length], name);
    if (round % 10 === 0) kept[name].push(made);
    if (kept[name].length > 40) kept[name].shift();
  }
}

async function threeOwners() {
  await start();
  await Promise.all(
    ['a', 'b', 'c'].map((name) => run({ agent_name: name, session_id: `s-${name}` }, owner, name)),
  );
  const { mechanism, heap, scopes } = status();
  await stop();
  console.log(JSON.stringify({ mechanism, heap, scopes, kept: kept.a.length }));
}

if (isMainThread && process.argv[3] === 'workers') {
  const workers = [1, 2, 3, 4].map(
    () => new Worker(new URL(import.meta.url), { argv: [`${rounds}`] }),
  );
  await Promise.all(workers.map((worker) => new Promise((done) => worker.once('exit', done))));
} else {
  await threeOwners();
}
