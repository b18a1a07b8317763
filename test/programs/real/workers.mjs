// Four worker threads that compute, exchange messages, share memory and end in four ways.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** Every thread holds some memory to the end, so that every heap profile has something to show. */
const kept = Array.from({ length: 200_000 }, (_, i) => ({ number: i, text: `row ${i}` }));

const SLICES = 15;
const SLICE_MILLIS = 100;

function work(millis) {
  const end = performance.now() + millis;
  let rows = [];
  while (performance.now() < end) {
    rows.push(JSON.parse(JSON.stringify({ id: rows.length, text: 'x'.repeat(100) })));
    if (rows.length > 5_000) rows = rows.slice(4_000);
  }
}

if (isMainThread) {
  const shared = new SharedArrayBuffer(4);
  const endings = ['return', 'exit', 'throw', 'terminate'];
  const lines = await Promise.all(endings.map((ending, i) => runWorker(ending, 10 + i, shared)));
  for (const line of lines) console.log(line);
  console.log(`kept ${kept.length}`);
  console.log(`shared ${new Int32Array(shared)[0]}`);
  process.exitCode = 7;
} else {
  const [number] = await once(parentPort, 'message');
  for (let i = 0; i < SLICES; i++) {
    work(SLICE_MILLIS);
    await delay(1);
  }
  Atomics.add(new Int32Array(workerData.shared), 0, number);
  parentPort.postMessage(number * number + kept.length);
  // Errors travel by another way than messages and may be faster: first the answer must be there.
  await once(parentPort, 'message');
  if (workerData.ending === 'exit') process.exit(3);
  if (workerData.ending === 'throw') throw new Error('thrown in a worker');
  if (workerData.ending === 'terminate') setInterval(() => work(5), 10);
}

function runWorker(ending, number, shared) {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { ending, shared } });
  const said = [];
  worker.on('message', (answer) => {
    said.push(`answer ${answer}`);
    worker.postMessage('end');
    if (ending === 'terminate') void worker.terminate();
  });
  worker.on('error', (error) => said.push(`error ${error.message}`));
  worker.postMessage(number);
  return new Promise((resolve) => {
    worker.on('exit', (code) => resolve([`worker ${ending}`, ...said, `code ${code}`].join(': ')));
  });
}
