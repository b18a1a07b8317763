/** Where one window ends and the next begins: on the monotonic clock, told as time since the epoch. */
import { performance } from 'node:perf_hooks';
import { NANOS_PER_MILLI } from './units.ts';

/** Bound once: test frameworks replace the clocks of the application, not ours. */
const nowMillis = performance.now.bind(performance);
const { timeOrigin } = performance;

/** The system clock was set, or the machine slept: from then on windows follow the new time. */
const MAX_DRIFT_MILLIS = 1_000;

export interface WindowSpan {
  readonly timeNanos: bigint;
  readonly durationNanos: bigint;
}

export class WindowClock {
  #originMillis: number = timeOrigin;
  #startMillis = nowMillis();

  /** The window so far. */
  look(): WindowSpan {
    const startNanos = toNanos(this.#startMillis);
    return {
      timeNanos: toNanos(this.#originMillis) + startNanos,
      durationNanos: toNanos(nowMillis()) - startNanos,
    };
  }

  /** Ends the window now and begins the next one at the same moment. */
  turn(): WindowSpan {
    const start = this.#startMillis;
    const end = nowMillis();
    this.#startMillis = end;
    const span = {
      timeNanos: toNanos(this.#originMillis) + toNanos(start),
      durationNanos: toNanos(end) - toNanos(start),
    };
    const drift = Date.now() - (this.#originMillis + end);
    if (Math.abs(drift) > MAX_DRIFT_MILLIS) this.#originMillis += drift;
    return span;
  }
}

const toNanos = (millis: number): bigint => BigInt(Math.round(millis * NANOS_PER_MILLI));
