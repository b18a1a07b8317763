/** What starting, billing and stopping leave behind; prints the state before, in between and after. */
import { AsyncLocalStorage, createHook, executionAsyncId } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { measure, start, status, stop, usage } from '../../../dist/index.js';

const prototypes = [Promise.prototype, AsyncLocalStorage.prototype, EventTarget.prototype];
const names = () => prototypes.map((one) => Object.getOwnPropertyNames(one).join());
const functions = () =>
  [
    Promise.prototype.then,
    setTimeout,
    setImmediate,
    queueMicrotask,
    process.nextTick,
    createHook,
  ].map((fn) => fn);
const handles = () => process.getActiveResourcesInfo().sort().join();

// Loading the program is over.
await sleep(20);
const before = { names: names(), functions: functions(), handles: handles() };
const rounds = [];
for (let round = 0; round < 3; round++) {
  await start({ windowSeconds: 3600, exporters: [] });
  const { result, usage: bill } = await measure({ agent_name: 'a' }, async () => {
    await sleep(1);
    let x = 1;
    for (let i = 0; i < 3e6; i++) x *= 1.0000001;
    return usage() !== undefined && x > 1;
  });
  const during = status().bills.method;
  await stop();
  rounds.push({ result, during, cpuMicros: bill.cpuMicros, after: usage() === undefined });
}
await sleep(20);
const after = { names: names(), functions: functions(), handles: handles() };
const { usage: none } = await measure({}, async () => executionAsyncId());
console.log(
  JSON.stringify({
    rounds,
    same:
      JSON.stringify([before.names, before.handles]) ===
        JSON.stringify([after.names, after.handles]) &&
      before.functions.every((fn, i) => fn === after.functions[i]),
    noneCpuMicros: none.cpuMicros,
  }),
);
