/**
 * Two invocations take turns a thousand times: one keeps 40 MB, the other throws 400 MB away. Prints
 * both bills and the accounts.
 *
 *     node --expose-gc bills-memory.mjs [turns from one full collection to the next]
 */
import { accounts, invocation, start, stop } from '../../../dist/index.js';

const TURNS = 1000;
const COLLECT_EVERY = Number(process.argv[2] ?? TURNS + 1);
const OBJECT_FIELDS = 64;
/** An array of small integers: 32 bytes of its own, and its elements with their 16. */
const OBJECT_BYTES = 32 + 16 + 8 * OBJECT_FIELDS;

await start({ windowSeconds: 3600, exporters: [], heap: { intervalBytes: 64 * 1024 } });
const kept = new Array(100_000).fill(null);
let keptCount = 0;
let thrownAway;
const truth = { hoard: 0, churn: 0 };
function allocate(bytes, keep) {
  for (let left = Math.round(bytes / OBJECT_BYTES); left > 0; left--) {
    const one = new Array(OBJECT_FIELDS).fill(left);
    truth[keep ? 'hoard' : 'churn'] += OBJECT_BYTES;
    if (keep) kept[keptCount++] = one;
    else thrownAway = one;
  }
}
async function work(bytes, keep) {
  for (let turn = 0; turn < TURNS; turn++) {
    allocate(bytes / TURNS, keep);
    if (keep && (turn + 1) % COLLECT_EVERY === 0) globalThis.gc();
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
  JSON.stringify({
    truth,
    usages,
    accounts: report,
    kept: keptCount,
    thrownAway: thrownAway.length,
  }),
);
