/**
 * Three interleaved owners burn CPU 60/30/10 through every way Node runs code later, beside work
 * that belongs to nobody. Who burned is written on every stack: each owner has a function of its own.
 *
 *     node three-contexts.mjs <seconds>    prints the truth as JSON: { a, b, c, outside } in nanoseconds of CPU
 */
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs';
import { readFile as readFileAsync } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bind, run, start, status, stop } from 'spanprof';
import { addon } from '../../../.cache/modules/native.js';

const seconds = Number(process.argv[2] ?? 20);
const self = fileURLToPath(import.meta.url);
/** About 100 µs. */
const TURNS = 60_000;
const truth = { a: 0, b: 0, c: 0, outside: 0 };

/**
 * Burns vary in length. With equal ones a round of all owners takes about a millisecond, and a sampler
 * of one kilohertz falls into step with it: that would test the beat of two clocks.
 */
let seed = 12345;
function random() {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

/**
 * The truth is the operating system's clock of this thread around each burn. Not elapsed time: a long
 * burn is interrupted more often than a short one. Not turns of the loop: V8 compiles it once for
 * each owner, and not always equally well.
 */
function spin(owner, meanTurns) {
  const turns = meanTurns * (0.5 + random());
  const begin = addon.threadCpuNanos();
  let x = 1;
  for (let i = 0; i < turns; i++) x = x * 1.0000001 + 1e-9;
  truth[owner] += addon.threadCpuNanos() - begin;
  return x;
}

// Named so that a stack tells its owner.
const burn = {
  a: function burn_a() {
    return spin('a', 6 * TURNS);
  },
  b: function burn_b() {
    return spin('b', 3 * TURNS);
  },
  c: function burn_c() {
    return spin('c', TURNS);
  },
};
function burn_outside() {
  return spin('outside', TURNS);
}

const callback = (register) => new Promise((resolve) => register(resolve));

/** Every way to go on later; each burns in the continuation. */
function waysOf(work) {
  const emitter = new EventEmitter();
  return [
    async () => {
      await null;
      work();
    },
    () => callback((done) => setTimeout(() => done(work()), 0)),
    () => callback((done) => setImmediate(() => done(work()))),
    () => callback((done) => process.nextTick(() => done(work()))),
    () => callback((done) => queueMicrotask(() => done(work()))),
    () => Promise.all([sleep(0), Promise.resolve()]).then(work),
    () => Promise.race([sleep(0), sleep(50)]).then(work),
    () => Promise.allSettled([Promise.reject(new Error('expected')), sleep(0)]).then(work),
    () => Promise.any([sleep(1), sleep(2)]).finally(work),
    async () => {
      const ticked = once(emitter, 'tick');
      setImmediate(() => emitter.emit('tick'));
      await ticked;
      work();
    },
    () => callback((done) => readFile(self, () => done(work()))),
    async () => {
      await readFileAsync(self);
      work();
    },
    async () => {
      await pipeline(Readable.from(['x']), async (source) => {
        for await (const chunk of source) if (chunk !== '') work();
      });
    },
    async () => {
      async function* numbers() {
        yield 1;
      }
      for await (const number of numbers()) if (number === 1) work();
    },
    async () => {
      try {
        await Promise.reject(new Error('expected'));
      } catch {
        work();
      }
    },
    () => {
      const interval = callback((done) => {
        const timer = setInterval(() => {
          clearInterval(timer);
          done(work());
        }, 1);
      });
      return interval;
    },
  ];
}

// An emitter that all owners listen to and nobody owns: bound listeners run as who bound them.
const common = new EventEmitter();

async function owner(name, until) {
  const work = burn[name];
  common.on('tick', bind(work));
  const ways = waysOf(work);
  for (let i = 0; performance.now() < until; i++) await ways[i % ways.length]();
}

await start();
const until = performance.now() + seconds * 1000;
const outside = setInterval(burn_outside, 3);
const ticks = setInterval(() => common.emit('tick'), 20);
await Promise.all([
  run({ agent_name: 'a', session_id: 's-1' }, owner, 'a', until),
  run({ agent_name: 'outer' }, () => run({ agent_name: 'b' }, owner, 'b', until)),
  run({ agent_name: 'c', step: 7 }, owner, 'c', until),
]);
clearInterval(outside);
clearInterval(ticks);
const { mechanism, cpu, scopes } = status();
await stop();
console.log(JSON.stringify({ truth, mechanism, cpu, scopes }));
