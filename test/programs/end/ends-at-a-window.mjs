/**
 * Ends in the way it is told in the turn of the event loop in which its first window has ended, before
 * anything else has had one. Says what it saw of the window's end.
 *
 *     node ends-at-a-window.mjs <way> [in a worker]
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { flush, run, status, stop } from 'spanprof';

const zlib = createRequire(import.meta.url)('node:zlib');
const { gzip } = zlib;
let encoded = 0;
zlib.gzip = (...args) => {
  encoded++;
  return gzip(...args);
};
syncBuiltinESMExports();

const ways = {
  'by exit': () => process.exit(3),
  'by SIGTERM': () => process.kill(process.pid, 'SIGTERM'),
  'by an uncaught exception': () => {
    throw new Error('thrown');
  },
  'by stop': async () => {
    await stop();
    process.exit(0);
  },
  'by SIGKILL after a flush': async () => {
    await flush();
    process.kill(process.pid, 'SIGKILL');
  },
  'when all is delivered': async () => {
    const turns = [];
    while (status().profiles.underWay > 0) {
      const before = encoded;
      await new Promise(setImmediate);
      turns.push(encoded - before);
    }
    console.log(`turns ${turns.join(' ')}`);
    process.exit(0);
  },
  'terminated by its parent': () => parentPort.postMessage('now'),
};

function work(session) {
  run({ agent_name: 'planner', session_id: `s${session % 500}` }, () => {
    const kept = [];
    for (const until = performance.now() + 1; performance.now() < until; ) kept.push({ kept });
  });
}

function live(way) {
  let session = 0;
  const look = () => {
    // Our turn was asked for before the window ended: whatever waits for a turn comes after it.
    if (status().windows.completed > 0) {
      const { delivered, underWay, dropped } = status().profiles;
      console.log(JSON.stringify({ encoded, delivered, underWay, dropped }));
      ways[way]();
      return;
    }
    for (let i = 0; i < 5; i++) work(session++);
    setImmediate(look);
  };
  look();
}

const [, , way, where] = process.argv;
if (isMainThread && where === 'in a worker') {
  const worker = new Worker(new URL(import.meta.url), { workerData: { way }, argv: [way] });
  worker.on('message', () => void worker.terminate());
} else {
  live(isMainThread ? way : workerData.way);
}
