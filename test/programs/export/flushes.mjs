// Two agents burn CPU and keep memory over some windows; then everything is delivered.
import { run, stop } from 'spanprof';

const kept = [];
function work(millis) {
  const begin = performance.now();
  while (performance.now() - begin < millis) {
    kept.push(new Array(100).fill(kept.length));
    if (kept.length > 20_000) kept.splice(0, 10_000);
  }
}
function agent(name) {
  run({ agent_name: name, invocation_id: String(Math.random()) }, work, 15);
}
const until = performance.now() + 3_300;
while (performance.now() < until) {
  agent('planner');
  agent('writer');
  await new Promise((done) => setTimeout(done, 5));
}
await stop();
