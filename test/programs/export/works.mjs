// Works in a scope until it is killed, and says how many windows were completed.
import { run, status } from 'spanprof';

function burn(millis) {
  const begin = performance.now();
  let x = 1;
  while (performance.now() - begin < millis) for (let i = 0; i < 500; i++) x = x * 1.0000001 + 1e-9;
  return x;
}
let said = -1;
setInterval(() => {
  run({ agent_name: process.argv[2] ?? 'planner' }, burn, 10);
  const { completed } = status().windows;
  if (completed !== said) console.log(`${Date.now()} completed ${completed}`);
  said = completed;
}, 25);
