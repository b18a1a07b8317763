/** (c) A promise storm: operations of 3,000 awaits each, four interleaved, hardly any other work. */
import { repeat, wrap } from './meter.mjs';

async function leaf(x) {
  return x + 1;
}
async function middle(x) {
  return (await leaf(x)) + (await leaf(x));
}
async function storm() {
  let sum = 0;
  for (let i = 0; i < 1_000; i++) sum += await middle(i);
  return sum;
}
const names = ['planner', 'writer', 'critic', 'editor'];
await repeat(() => Promise.all(names.map((agent_name) => wrap({ agent_name }, storm))));
