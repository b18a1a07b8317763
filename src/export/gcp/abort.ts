/** Waiting that ends when a signal aborts. */
import { clearTimeout, setTimeout } from 'node:timers';
import type { Milliseconds } from '../../units.ts';

/** The longest time a timer can be set to. */
const MAX_TIMER_MILLIS = 2 ** 31 - 1;

/** Resolves after that time or, at once, when `signal` aborts; does not keep the process alive. */
export function sleep(millis: Milliseconds, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(millis, MAX_TIMER_MILLIS)).unref();
    signal.addEventListener('abort', done, { once: true });
  });
}

/** `work`, or a rejection as soon as `signal` aborts: for work that cannot be told to end. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
