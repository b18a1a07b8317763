// A main thread and three workers, each with a little work.
import { isMainThread, Worker } from 'node:worker_threads';

if (isMainThread) {
  const workers = [1, 2, 3].map(() => new Worker(new URL(import.meta.url)));
  await Promise.all(workers.map((worker) => new Promise((done) => worker.once('exit', done))));
  console.log('done');
}
const begin = Date.now();
while (Date.now() - begin < 100);
