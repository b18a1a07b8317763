/**
 * Sends at the end of a process what its queue left in the spool, in a process of its own: the one
 * that ends can wait, but its event loop runs no more. Started by `QueueExporter.flushSync` with a
 * `LastAct` on stdin; ends when everything is sent or an attempt fails, and is ended when it takes too
 * long. Either way what is left stays in the spool.
 */
import { text } from 'node:stream/consumers';
import { milliseconds } from '../units.ts';
import { PyroscopeDestination, type PyroscopeOptions } from './pyroscope/pyroscope.ts';
import { QueueExporter, type QueueOptions } from './queue.ts';

/** Everything the program needs; JSON. */
export interface LastAct {
  readonly pyroscope: PyroscopeOptions;
  readonly queue: Omit<QueueOptions, 'report' | 'lastAct'>;
}

async function main(): Promise<void> {
  const { pyroscope, queue } = JSON.parse(await text(process.stdin)) as LastAct;
  const exporter = new QueueExporter(new PyroscopeDestination(pyroscope), {
    ...queue,
    timeoutMillis: milliseconds(Math.min(queue.timeoutMillis, MAX_ATTEMPT_MILLIS)),
    report: () => {},
  });
  // Uploads keep no process alive, not even this one.
  const hold = setInterval(() => {}, HOLD_MILLIS);
  await exporter.adopt();
  await exporter.flush();
  await exporter.close();
  clearInterval(hold);
}

/** Longer than the process that waits would. */
const MAX_ATTEMPT_MILLIS = 2_000;
const HOLD_MILLIS = 1_000;

main().then(
  () => process.exit(),
  () => process.exit(1),
);
