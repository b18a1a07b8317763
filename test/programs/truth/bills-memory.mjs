/**
 * Two invocations take turns a thousand times: one keeps 40 MB, the other throws 400 MB away. Prints
 * both bills and the accounts.
 */
import { accounts, invocation, start, stop } from '../../../dist/index.js';

const TURNS = 1000;
const OBJECT_FIELDS = 64;
/** An array of doubles: a header of 16 bytes for it and for its elements, and the elements. */
const OBJECT_BYTES = 16 + 16 + 8 * OBJECT_FIELDS;

await start({ windowSeconds: 3600, exporters: [], heap: { intervalBytes: 64 * 1024 } });
const kept = [];
let thrownAway;
function allocate(bytes, keep) {
  for (let left = bytes; left > 0; left -= OBJECT_BYTES) {
    const one = new Array(OBJECT_FIELDS).fill(0.5);
    if (keep) kept.push(one);
    else thrownAway = one;
  }
}
async function work(bytes, keep) {
  for (let turn = 0; turn < TURNS; turn++) {
    allocate(bytes / TURNS, keep);
    await (turn % 10 === 0 ? new Promise(setImmediate) : null);
  }
}
const hoard = invocation({ agent_name: 'hoard' });
const churn = invocation({ agent_name: 'churn' });
await Promise.all([hoard.run(work, 40e6, true), churn.run(work, 400e6, false)]);
const usages = { hoard: hoard.end(), churn: churn.end() };
const report = accounts();
await stop();
console.log(
  JSON.stringify({ usages, accounts: report, kept: kept.length, thrownAway: thrownAway.length }),
);
