/**
 * Three invocations do 60, 30 and 10 % of the work, in slices, through every way to go on later. What
 * each slice took is read from the thread's CPU clock by the program itself.
 *
 *     bills.mjs <slice µs> <ms of their work> [<ms of work outside>]
 */
import { stat } from 'node:fs';
import { Readable } from 'node:stream';
import { addon } from '../../../.cache/modules/native.js';
import { accounts, invocation, start, status, stop } from '../../../dist/index.js';

const sliceMicros = Number(process.argv[2] ?? 200);
const totalMillis = Number(process.argv[3] ?? 1000);
const outsideMillis = Number(process.argv[4] ?? 0);
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
const turnsPerSlice = Math.round(sliceMicros * turnsPerMicro);
const SLICES_PER_ROUND = 8;

function burn(name) {
  const begin = threadCpuNanos();
  spin(turnsPerSlice);
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

async function* slices(name, count) {
  for (let i = 0; i < count; i++) {
    burn(name);
    yield i;
  }
}

async function step(name) {
  burn(name);
  await null;
}

const ROUNDS = Math.round((totalMillis * 1000) / 10 / sliceMicros / SLICES_PER_ROUND);

/**
 * Six, three and one of these run at the same time, all alike: what Node itself needs to go on later,
 * which is theirs too, is shared like the slices.
 */
async function worker(name, rounds) {
  const later = (way) =>
    new Promise((resolve) =>
      ways[way](() => {
        burn(name);
        resolve();
      }),
    );
  for (let i = 0; i < rounds; i++) {
    for (let n = 0; n < 4; n++) await step(name);
    await later(names[i % names.length]);
    await Promise.all([step(name)]);
    for await (const _ of slices(name, 1)) await null;
    for await (const _ of Readable.from(slices(name, 1))) await null;
  }
}

const work = (name, rounds = ROUNDS) =>
  Promise.all(Array.from({ length: SHARES[name] }, () => worker(name, rounds)));

// What is compiled and loaded once is nobody's fault: not of who comes first.
await work('c', 3);
for (const name of Object.keys(truthNanos)) truthNanos[name] = 0;

await start({ windowSeconds: 3600, exporters: [] });
const invocations = Object.keys(SHARES).map((name) => ({
  name,
  one: invocation({ agent_name: name }),
}));
const beginNanos = threadCpuNanos();
await Promise.all(invocations.map(({ name, one }) => one.run(work, name)));
const outsideBegin = threadCpuNanos();
spin(Math.round(outsideMillis * 1000 * turnsPerMicro));
const outsideMicros = (threadCpuNanos() - outsideBegin) / 1e3;
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
    ...{ threadCpuMicros, outsideMicros },
    mechanism: state.mechanism,
    bills: state.bills,
  }),
);
