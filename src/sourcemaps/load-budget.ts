/** A period as long as the usual window, so that each window may spend the budget once. */
const PERIOD_MILLIS = 60_000;

/**
 * How much time reading source maps may take in any minute. A load is let through while time is
 * left; the last one may overrun, bounded by the largest map that is read.
 */
export class LoadBudget {
  readonly #budgetMillis: number;
  readonly #now: () => number;
  #periodStart = Number.NEGATIVE_INFINITY;
  #spentMillis = 0;

  constructor(budgetMillis: number, now: () => number) {
    this.#budgetMillis = budgetMillis;
    this.#now = now;
  }

  /** Whether a load may begin that is allowed to use this share (0 to 1) of the budget. */
  allows(share: number): boolean {
    const now = this.#now();
    if (now - this.#periodStart >= PERIOD_MILLIS) {
      this.#periodStart = now;
      this.#spentMillis = 0;
    }
    return this.#spentMillis < this.#budgetMillis * share;
  }

  /** Runs `load` and charges the time it takes. */
  charge<T>(load: () => T): T {
    const start = this.#now();
    try {
      return load();
    } finally {
      this.#spentMillis += this.#now() - start;
    }
  }
}
