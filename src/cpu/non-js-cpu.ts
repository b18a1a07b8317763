import type { Addon } from '../native.ts';

/**
 * CPU time of threads that run no JavaScript: garbage collection and compilation helpers, libuv's
 * pool, other libraries' threads. It is what the process used beyond its JavaScript threads.
 */
export class NonJsCpu {
  readonly #addon: Addon;
  #processNanos = 0;
  #jsThreadsNanos = 0;

  constructor(addon: Addon) {
    this.#addon = addon;
  }

  /** Nanoseconds since the last call. */
  take(): number {
    const processNanos = this.#addon.processCpuNanos();
    const jsThreadsNanos = this.#addon.jsThreadsCpuNanos();
    const nanos = processNanos - this.#processNanos - (jsThreadsNanos - this.#jsThreadsNanos);
    this.#processNanos = processNanos;
    this.#jsThreadsNanos = jsThreadsNanos;
    return Math.max(0, nanos);
  }
}
