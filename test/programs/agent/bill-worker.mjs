/** Bills what it is asked to do in the scope that the message carries. */
import { parentPort } from 'node:worker_threads';
import { addon } from '../../../.cache/modules/native.js';
import { accounts, measure, resume, start, stop } from '../../../dist/index.js';

await start({ exporters: [], windowSeconds: 3600 });
parentPort.once('message', async (carrier) => {
  const { usage } = await resume(carrier, () =>
    measure({ tool_name: 'worker' }, () => {
      const end = addon.threadCpuNanos() + 10e6;
      let x = 1;
      while (addon.threadCpuNanos() < end) for (let i = 0; i < 2_000; i++) x = x * 1.0000001 + 1e-9;
      return x;
    }),
  );
  parentPort.postMessage({ bill: usage, agents: accounts().agents.named });
  await stop();
});
