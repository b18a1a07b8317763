// An application: scopes, work, output, an exit code of its own.
import { run } from 'spanprof';

function burn(millis) {
  const begin = performance.now();
  let x = 1;
  while (performance.now() - begin < millis) for (let i = 0; i < 500; i++) x = x * 1.0000001 + 1e-9;
  return x;
}
const kept = [];
async function burn_a() {
  for (let i = 0; i < 40; i++) {
    burn(4);
    kept.push(new Array(5_000).fill(i));
    await new Promise((resolve) => setTimeout(resolve, i % 3));
  }
}
async function burn_b() {
  for (let i = 0; i < 40; i++) {
    burn(2);
    await null;
  }
}
await Promise.all([run({ agent_name: 'a' }, burn_a), run({ agent_name: 'b' }, burn_b)]);
console.log(`done ${kept.length}`);
process.exitCode = 3;
