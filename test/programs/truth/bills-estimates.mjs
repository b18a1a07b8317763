/**
 * Sixty invocations take turns, each allocating its own amount between 2 and 14 MB in objects of its own
 * size. Prints what each allocated and what its bill says.
 */
import { invocation, start, stop } from '../../../dist/index.js';

const BILLS = 60;
const TURNS = 40;
const LEAST_BYTES = 2e6;
const MORE_BYTES = 200e3;

await start({ windowSeconds: 3600, exporters: [], heap: { intervalBytes: 64 * 1024 } });
let thrownAway;

/** Arrays of small integers: 32 bytes each, and their elements with 16 more. */
function allocate(bytes, fields) {
  const objectBytes = 32 + 16 + 8 * fields;
  let allocated = 0;
  for (; allocated < bytes; allocated += objectBytes) thrownAway = new Array(fields).fill(1);
  return allocated;
}

async function work(i) {
  const bytes = LEAST_BYTES + i * MORE_BYTES;
  let allocated = 0;
  for (let turn = 0; turn < TURNS; turn++) {
    allocated += allocate(bytes / TURNS, 8 + (i % 10) * 24);
    await (turn % 10 === 0 ? new Promise(setImmediate) : null);
  }
  return allocated;
}

const invocations = Array.from({ length: BILLS }, (_, i) => invocation({ agent_name: `a-${i}` }));
const truthBytes = await Promise.all(invocations.map((one, i) => one.run(work, i)));
const bills = invocations.map((one, i) => {
  const { allocatedBytes, stdError, method } = one.end();
  return {
    truthBytes: truthBytes[i],
    allocatedBytes,
    stdErrorBytes: stdError.allocatedBytes,
    method: method.allocatedBytes,
  };
});
await stop();
console.log(JSON.stringify({ bills, thrownAway: thrownAway.length }));
