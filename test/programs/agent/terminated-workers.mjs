// Workers that hold thousands of older scopes, alive and dead, and are terminated at any moment.
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { run, start, status } from 'spanprof';

const living = [];
async function open() {
  await start();
  for (;;) {
    for (let i = 0; i < 20_000; i++) {
      const work = run({ i }, () => new Promise((resolve) => setTimeout(resolve, 1e6)));
      if (i % 10 === 0) living.push(work);
    }
    parentPort?.postMessage(status().scopes.older);
    await new Promise(setImmediate);
  }
}
if (isMainThread) {
  let older = 0;
  for (let n = 0; n < 8; n++) {
    const worker = new Worker(fileURLToPath(import.meta.url));
    older = Math.max(older, await new Promise((resolve) => worker.once('message', resolve)));
    await new Promise((resolve) => setTimeout(resolve, n * 7));
    await worker.terminate();
  }
  console.log(JSON.stringify({ older }));
} else {
  await open();
}
