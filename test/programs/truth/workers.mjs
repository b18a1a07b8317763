/**
 * A main thread that hands its scopes to workers; each burns for two owners at once. One worker
 * ends by itself, one by process.exit, one is terminated in the middle of its work.
 *
 *     node workers.mjs <seconds>      prints what the process clock says
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { carry, resume, run, start, stop } from 'spanprof';

function spin(millis) {
  const begin = performance.now();
  let x = 1;
  while (performance.now() - begin < millis) for (let i = 0; i < 500; i++) x = x * 1.0000001 + 1e-9;
  return x;
}
function burn_a() {
  return spin(3);
}
function burn_b() {
  return spin(1);
}
async function burnFor(millis, burn) {
  const until = performance.now() + millis;
  while (performance.now() < until) {
    burn();
    // Not a timer: on Node 20 two loops whose timers are always due keep each other from the rest of
    // the event loop, and with it everything asynchronous.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

if (isMainThread) {
  const millis = Number(process.argv[2] ?? 5) * 1000;
  await start();
  const before = process.cpuUsage();
  const ends = ['naturally', 'by exit', 'terminated'];
  const workers = ends.map(
    (end) =>
      new Worker(new URL(import.meta.url), {
        workerData: {
          millis,
          end,
          a: run({ agent_name: 'a', session_id: 's-1' }, carry),
          b: run({ agent_name: 'b' }, carry),
        },
      }),
  );
  const codes = Promise.all(
    workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))),
  );
  setTimeout(() => workers[2].terminate(), millis / 2);
  await Promise.all([codes, run({ agent_name: 'a', session_id: 's-1' }, burnFor, millis, burn_a)]);
  const { user, system } = process.cpuUsage(before);
  await stop();
  console.log(JSON.stringify({ processMillis: (user + system) / 1e3, codes: await codes }));
} else {
  const { millis, end, a, b } = workerData;
  await start();
  await Promise.all([
    resume(a, () => burnFor(millis, burn_a)),
    resume(b, () => burnFor(millis, burn_b)),
  ]);
  parentPort.postMessage('done');
  if (end === 'by exit') process.exit(4);
}
