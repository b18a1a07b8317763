// Opens scopes without ever coming back to the event loop, in a heap that cannot hold them all.
import { run, start, status, stop } from 'spanprof';

await start();
const opened = Number(process.argv[2]);
for (let i = 0; i < opened; i++) run({ agent_name: 'a', i }, () => i);
for (let i = 0; i < opened; i++) await run({ agent_name: 'b', i }, async () => i);
console.log(JSON.stringify(status().scopes));
await stop();
