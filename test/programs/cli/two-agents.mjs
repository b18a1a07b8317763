/** Burns CPU for two agents, keeps memory for one; `two-agents.mjs [exit code or signal]`. */
import { run } from '../../../dist/index.js';

function burn(cpuMillis) {
  const start = process.cpuUsage();
  let value = 0;
  for (;;) {
    for (let i = 0; i < 100_000; i++) value += Math.sqrt(i + value);
    const { user, system } = process.cpuUsage(start);
    if (user + system >= cpuMillis * 1_000) return value;
  }
}

export const kept = [];
run({ agent_name: 'planner', tool_name: 'search' }, function search() {
  burn(400);
  for (let i = 0; i < 200_000; i++) kept.push({ i });
});
run({ agent_name: 'writer' }, function write() {
  burn(200);
});
console.log('done');

const [end = '0'] = process.argv.slice(2);
if (/^\d+$/.test(end)) process.exitCode = Number(end);
else process.kill(process.pid, end);
