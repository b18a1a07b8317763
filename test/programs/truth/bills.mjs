/**
 * Three invocations do 60, 30 and 10 % of the work, in slices, through every way to go on later. What
 * each slice took is read from the thread's CPU clock by the program itself.
 *
 *     bills.mjs <slice µs> <all work ms>   →  { truth, usages, accounts, threadCpuMicros, ... }
 */
import { readFile, stat } from 'node:fs';
import { Readable } from 'node:stream';
import { accounts, invocation, start, status, stop } from '../../../dist/index.js';
import { addon } from '../../../dist/native.js';

const sliceMicros = Number(process.argv[2] ?? 200);
const totalMillis = Number(process.argv[3] ?? 1000);
const { threadCpuNanos } = addon;

const SHARES = { a: 6, b: 3, c: 1 };
const truthNanos = { a: 0, b: 0, c: 0 };

function spin(turns) {
  let x = 1;
  for (let i = 0; i < turns; i++) x = x * 1.0000001 + 1e-9;
  return x;
}
for (let i = 0; i < 50; i++) spin(10_000);
const calibrationStart = threadCpuNanos();
spin(1e7);
const turnsPerMicro = 1e7 / ((threadCpuNanos() - calibrationStart) / 1e3);

function burn(name, micros) {
  const begin = threadCpuNanos();
  spin(Math.round(micros * turnsPerMicro));
  truthNanos[name] += threadCpuNanos() - begin;
}

/** Each calls `next` later, in its own way. */
const ways = {
  promise: (next) => void Promise.resolve().then(next),
  immediate: (next) => setImmediate(next),
  nextTick: (next) => process.nextTick(next),
  timer: (next) => setTimeout(next, 0),
  microtask: (next) => queueMicrotask(next),
  stat: (next) => stat(import.meta.filename ?? new URL(import.meta.url).pathname, next),
};
const names = Object.keys(ways);

async function* slices(name, count, micros) {
  for (let i = 0; i < count; i++) {
    burn(name, micros);
    yield i;
  }
}

async function step(name, micros) {
  burn(name, micros);
  await null;
}

/** Sixteen slices a round: most of them between plain awaits, as in an agent; the rest in callbacks. */
async function work(name) {
  const micros = sliceMicros * SHARES[name];
  const rounds = Math.round((totalMillis * 1000) / 10 / sliceMicros / 16);
  const later = (way, run) =>
    new Promise((resolve) =>
      ways[way](() => {
        run?.();
        resolve();
      }),
    );
  for (let i = 0; i < rounds; i++) {
    const way = names[i % names.length];
    for (let n = 0; n < 6; n++) await step(name, micros);
    await later(way, () => burn(name, micros));
    await Promise.all([step(name, micros), step(name, micros)]);
    for await (const _ of slices(name, 4, micros)) await null;
    for await (const _ of Readable.from(slices(name, 3, micros))) await null;
  }
}

await start({ windowSeconds: 3600, exporters: [] });
const invocations = Object.keys(SHARES).map((name) => ({
  name,
  one: invocation({ agent_name: name }),
}));
const beginNanos = threadCpuNanos();
await Promise.all(invocations.map(({ name, one }) => one.run(work, name)));
const outside = process.argv[4] === 'outside' ? Number(process.argv[5]) : 0;
if (outside > 0) spin(Math.round(outside * 1000 * turnsPerMicro));
const usages = Object.fromEntries(invocations.map(({ name, one }) => [name, one.end()]));
const threadCpuMicros = (threadCpuNanos() - beginNanos) / 1e3;
const report = accounts();
const state = status();
await stop();
console.log(
  JSON.stringify({
    truthMicros: Object.fromEntries(Object.entries(truthNanos).map(([k, v]) => [k, v / 1e3])),
    usages,
    accounts: report,
    threadCpuMicros,
    bills: state.bills,
  }),
);
