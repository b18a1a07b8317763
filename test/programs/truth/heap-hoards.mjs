/**
 * Ten owners hoard 20 MB each; a window ends; they let go of it, V8 collects, and another one ends.
 * With `workers`, four workers do so at once instead.
 *
 *     node --expose-gc heap-hoards.mjs [workers]
 */
import { isMainThread, Worker } from 'node:worker_threads';
import { flush, run, start, status, stop } from 'spanprof';

const OWNERS = 10;
const BYTES = 20e6;
const ARRAY_LENGTH = 500;

if (isMainThread && process.argv[2] === 'workers') {
  const file = new URL(import.meta.url);
  const workers = [1, 2, 3, 4].map(() => new Worker(file));
  await Promise.all(workers.map((worker) => new Promise((done) => worker.once('exit', done))));
} else {
  await start();
  const hoards = new Map();
  const count = Math.round(BYTES / (ARRAY_LENGTH * 8 + 16 + 32));
  async function hoard(name) {
    const kept = [];
    hoards.set(name, kept);
    for (let i = 0; i < count; i++) {
      kept.push(new Array(ARRAY_LENGTH).fill(0));
      if (i % 500 === 0) await null;
    }
  }
  await Promise.all(
    Array.from({ length: OWNERS }, (_, i) => run({ agent_name: `owner-${i}` }, hoard, `${i}`)),
  );
  await flush();
  hoards.clear();
  await new Promise(setImmediate);
  globalThis.gc();
  globalThis.gc();
  await flush();
  const { heap } = status();
  await stop();
  console.log(JSON.stringify(heap));
}
