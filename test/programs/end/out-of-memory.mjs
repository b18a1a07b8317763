/**
 * One of two agents hoards until V8 has no heap left; the process dies of it.
 *
 *     node --max-old-space-size=64 out-of-memory.mjs [worker]
 */
import { isMainThread, Worker } from 'node:worker_threads';
import { run } from 'spanprof';

const hoard = [];
function hoardPages() {
  for (let i = 0; i < 500; i++) hoard.push(new Array(200).fill({ i }));
}
function work() {
  return Array.from({ length: 200 }, (_, i) => ({ i, text: `line ${i}` }));
}
async function leak() {
  for (;;) {
    run({ agent_name: 'planner' }, work);
    run({ agent_name: 'hoarder', tool_name: 'browser' }, hoardPages);
    await new Promise(setImmediate);
  }
}

if (isMainThread && process.argv[2] === 'worker') {
  const worker = new Worker(new URL(import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: 64 },
  });
  worker.on('error', (error) => console.log(error.code));
} else {
  await leak();
}
