/** How long to wait when the server does not say. */
import { type Milliseconds, milliseconds } from '../../units.ts';

/** Google's own agents: a minute at first, 1.3 times more each time, an hour at most. */
export const BACKOFF = {
  firstMillis: milliseconds(60_000),
  factor: 1.3,
  capMillis: milliseconds(3_600_000),
} as const;

export interface BackoffOptions {
  readonly firstMillis: Milliseconds;
  readonly factor: number;
  readonly capMillis: Milliseconds;
}

/** Exponential with full jitter: replicas that failed together do not come back together. */
export class Backoff {
  readonly #options: BackoffOptions;
  #nextMillis: number;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#nextMillis = options.firstMillis;
  }

  /** The next wait; the one after it may be longer. */
  next(): Milliseconds {
    const millis = Math.random() * this.#nextMillis;
    this.#nextMillis = Math.min(this.#nextMillis * this.#options.factor, this.#options.capMillis);
    return milliseconds(Math.ceil(millis));
  }

  /** After a success: as if nothing had ever failed. */
  reset(): void {
    this.#nextMillis = this.#options.firstMillis;
  }
}
