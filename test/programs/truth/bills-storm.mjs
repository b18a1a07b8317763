/** Awaits as fast as it can inside of an invocation, then calms down; prints what the governor did. */
import { setTimeout as sleep } from 'node:timers/promises';
import { measure, start, status, stop } from '../../../dist/index.js';

await start({ windowSeconds: 3600, exporters: [] });
const begin = performance.now();
let fellBackMillis;
const methods = [];
let awaits = 0;
const { usage } = await measure({ agent_name: 'storm' }, async () => {
  methods.push(status().bills.method);
  // A million of them, however busy the machine is.
  while (performance.now() - begin < 1_500 || awaits <= 1_000_000) {
    for (let i = 0; i < 1000; i++) await null;
    awaits += 1000;
    if (fellBackMillis === undefined && status().bills.method === 'sampled') {
      fellBackMillis = performance.now() - begin;
    }
  }
  methods.push(status().bills.method);
  // Calm: the loop is free most of the time.
  for (let i = 0; i < 100 && status().bills.method !== 'exact'; i++) await sleep(50);
  methods.push(status().bills.method);
  await sleep(50);
});
const { bills } = status();
await stop();
console.log(JSON.stringify({ fellBackMillis, methods, awaits, usage, bills }));
