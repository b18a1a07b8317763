import { type Milliseconds, milliseconds } from '../units.ts';

export interface BackoffOptions {
  /** Wait after the first failure, before jitter; it doubles with every further one. */
  readonly firstMillis: Milliseconds;
  /** No wait is longer than this, unless the server asks for more. */
  readonly maxMillis: Milliseconds;
}

/** A server that asks for a week is answered as if it had asked for an hour. */
const MAX_ASKED_MILLIS = 3_600_000;

/**
 * How long to leave a destination alone after the `failures`-th failure in a row. Half of the wait is
 * random, so that processes that failed together do not come back together. What the server asked
 * for is a lower bound.
 */
export function backoffMillis(
  options: BackoffOptions,
  failures: number,
  askedMillis = 0,
  random: () => number = Math.random,
): Milliseconds {
  const doubled = options.firstMillis * 2 ** Math.min(failures - 1, MAX_DOUBLINGS);
  const wait = Math.min(doubled, options.maxMillis) * (0.5 + random() / 2);
  const asked = Number.isFinite(askedMillis) ? Math.min(askedMillis, MAX_ASKED_MILLIS) : 0;
  return milliseconds(Math.max(wait, asked));
}

/** Beyond this every wait is the longest one, and the power would leave the safe integers. */
const MAX_DOUBLINGS = 30;
