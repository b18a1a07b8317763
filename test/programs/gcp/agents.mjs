// Two agents burn CPU in turns and hold memory, until the profiles that the server wanted are handed
// in. What requests are made of runs outside of the application's context: a line says if not.
import { AsyncLocalStorage } from 'node:async_hooks';
import diagnostics from 'node:diagnostics_channel';
import { setTimeout as delay } from 'node:timers/promises';

const { run, start, status, stop } = await import(process.argv[2]);
const wanted = Number(process.argv[3]);
const context = new AsyncLocalStorage();
diagnostics.subscribe('undici:request:create', ({ request }) => {
  if (context.getStore() !== undefined) console.log(`in the app's context: ${request.path}`);
});
const kept = [];

function burn(millis) {
  const end = performance.now() + millis;
  while (performance.now() < end) Math.sqrt(end);
}

async function agent(name, millis) {
  await run({ agent_name: name }, async () => {
    burn(millis);
    kept.push(Array.from({ length: 20_000 }, (_, i) => ({ i, name })));
    if (kept.length > 20) kept.shift();
    await delay(5);
  });
}

const gcp = () => status().exporters.find(({ name }) => name === 'gcp');
await context.run('application', () => run({ agent_name: 'starter' }, () => start()));
while ((gcp()?.exported ?? 0) < wanted) {
  await agent('planner', 20);
  await agent('writer', 10);
}
console.log(JSON.stringify(gcp()));
await stop();
