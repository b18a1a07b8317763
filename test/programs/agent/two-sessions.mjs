// Work of a first session goes on while a second one runs: it must not get the second one's labels.
import { run, start, stop } from 'spanprof';

function burn(millis) {
  const begin = performance.now();
  let x = 1;
  while (performance.now() - begin < millis) for (let i = 0; i < 500; i++) x = x * 1.0000001 + 1e-9;
  return x;
}
function oldWork() {
  return burn(3);
}
function newWork() {
  return burn(3);
}
async function loop(work, millis) {
  const until = performance.now() + millis;
  while (performance.now() < until) {
    work();
    await new Promise(setImmediate);
  }
}
await start();
const old = run({ agent_name: 'old' }, loop, oldWork, 3000);
await stop();
await start();
await Promise.all([old, run({ agent_name: 'new' }, loop, newWork, 3000)]);
await stop();
