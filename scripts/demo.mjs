/**
 * `npm run demo`: examples/agent-service under the preload with a short load, and what the profiles
 * say about it. Ends with 0, or with 1 and one line on stderr that says what went wrong.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { checkHealth, sendLoad } from './demo/load.mjs';
import { DemoError, late, reasonOf } from './demo/outcome.mjs';
import { compileExample, repository, startFakeModel, startService } from './demo/processes.mjs';
import { report } from './demo/report.mjs';
import { dim, progress, say } from './demo/terminal.mjs';

/** The service's default is 60; here several windows are to be seen. */
const WINDOW_SECONDS = 5;
const MAX_MILLIS = 58_000;
/** A service that dies is noticed by its exit, a moment after its connections broke. */
const DEATH_MILLIS = 1_000;

let line = progress('compiling examples/agent-service');

async function demo() {
  await compileExample();
  line.done('done');

  const directory = await freshDirectory();
  line = progress('starting the service under --require spanprof/register');
  const model = await startFakeModel();
  const service = await startService(model.url, directory, WINDOW_SECONDS);
  await checkHealth(service.url);
  line.done(`listening on ${service.url}`);

  line = progress('load');
  const load = await Promise.race([
    model.died,
    service.died,
    sendLoad(service.url, (answered, planned) => line.update(`${answered} of ${planned} requests`)),
  ]).catch(async (error) => {
    await Promise.race([model.died, service.died, delay(DEATH_MILLIS)]);
    throw error;
  });
  line.done(`${load.requests} requests in ${load.sessions} sessions`);

  line = progress('stopping with SIGTERM');
  await service.stop();
  await model.stop();
  line.done('exit code 0');
  if (service.stderr()) say(dim(`the service said on stderr:\n${service.stderr()}`));

  await report(directory);
}

async function freshDirectory() {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  const directory = join(repository, 'profiles', `demo-${stamp}-${process.pid}`);
  try {
    await mkdir(directory, { recursive: true });
  } catch (error) {
    throw new DemoError(`the folder for the profiles cannot be made: ${reasonOf(error)}`);
  }
  return directory;
}

try {
  await Promise.race([demo(), late(MAX_MILLIS, 'the demo did not end')]);
} catch (error) {
  line.clear();
  process.stderr.write(`demo failed: ${reasonOf(error)}\n`);
  process.exitCode = 1;
}
// Whatever still runs after a failure is killed on exit.
process.exit();
