// Two agents that cost three to one, a third that is still at work, and what /debug/usage says of them.
import { invocation, measure, start, stop } from 'spanprof';

function burn(millis) {
  const cpuMillis = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  };
  const end = cpuMillis() + millis;
  let x = 1;
  while (cpuMillis() < end) for (let i = 0; i < 500; i++) x = x * 1.0000001 + 1e-9;
  return x;
}

const { endpoint } = await start({ endpoint: { port: 0 }, exporters: [] });
await measure({ agent_name: 'heavy', tool_name: 'search' }, () => burn(300));
await measure({ agent_name: 'light', session_id: 's-1' }, () => burn(50));
await measure({ agent_name: 'light', session_id: 's-1' }, () => burn(50));
const open = invocation({ agent_name: 'busy', invocation_id: 'i-7' });
open.run(burn, 20);
const [url] = endpoint.length > 0 ? endpoint : await listening();
console.log(await (await fetch(`${url}/debug/usage?format=json`)).text());
open.end();
await stop();

/** The server is opened after the start. */
async function listening() {
  const { status } = await import('spanprof');
  while (status().endpoint.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  return status().endpoint;
}
