/** One invocation allocates nine tenths of everything, in turn with another; prints both bills. */
import { invocation, start, stop } from '../../../dist/index.js';

await start({ windowSeconds: 3600, exporters: [] });
let kept;
function allocate(count) {
  for (let i = 0; i < count; i++) kept = new Array(64).fill(i);
}
async function work(count) {
  for (let turn = 0; turn < 2000; turn++) {
    allocate(count);
    await (turn % 10 === 0 ? new Promise(setImmediate) : null);
  }
}
const much = invocation({ agent_name: 'much' });
const little = invocation({ agent_name: 'little' });
await Promise.all([much.run(work, 900), little.run(work, 100)]);
const usages = { much: much.end(), little: little.end() };
await stop();
console.log(JSON.stringify({ usages, kept: kept.length }));
