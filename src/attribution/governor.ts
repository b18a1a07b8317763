/**
 * Keeps the cost of exact CPU time within its budget: watches how often the hooks run, and gives up for a
 * while when that is too dear.
 */
import { performance } from 'node:perf_hooks';
import { type Addon, type BillMemory, SWITCHER_WORD } from '../native.ts';
import { NANOS_PER_MILLI } from '../units.ts';

const nowMillis = performance.now.bind(performance);

/** Long enough to tell a load from a burst; a storm that lasts is over within a second. */
const MIN_WINDOW_MILLIS = 100;
const MIN_WINDOW_CPU_MILLIS = 20;
/** How long until exact time is tried again: doubled each time it did not last. */
const FIRST_RETRY_MILLIS = 1_000;
const MAX_RETRY_MILLIS = 32_000;
/** Exact for so long after a return: the storm is over. */
const LASTING_MILLIS = 2_000;
const MILLIS_PER_SECOND = 1_000;
const PERCENT = 100;

export interface HookCost {
  readonly lookNanos: number;
  readonly switchNanos: number;
}

export interface GovernorStatus {
  /** Times exact CPU time gave way to estimates because of its cost, and came back. */
  readonly fallbacks: number;
  readonly returns: number;
  /** What the hooks cost in the last look at them, of this thread's CPU time. */
  readonly costPercent: number;
  /** Callbacks and awaits a second at that time. */
  readonly looksPerSecond: number;
}

export class Governor {
  readonly #words: Int32Array;
  readonly #addon: Addon;
  readonly #budgetPercent: number;
  readonly #maxLooksPerSecond: number;
  #cost: HookCost = { lookNanos: 0, switchNanos: 0 };
  #sinceMillis = 0;
  #sinceCpuNanos = 0;
  #retryMillis = FIRST_RETRY_MILLIS;
  #retryAtMillis = 0;
  #returnedAtMillis = 0;
  #fallbacks = 0;
  #returns = 0;
  #costPercent = 0;
  #looksPerSecond = 0;

  constructor(options: {
    readonly addon: Addon;
    readonly memory: BillMemory;
    readonly budgetPercent: number;
    readonly maxLooksPerSecond: number;
  }) {
    this.#addon = options.addon;
    this.#words = options.memory.words;
    this.#budgetPercent = options.budgetPercent;
    this.#maxLooksPerSecond = options.maxLooksPerSecond;
  }

  get fallbacks(): number {
    return this.#fallbacks;
  }

  /** The hooks run from now on. */
  begin(cost: HookCost): void {
    this.#cost = cost;
    this.#newWindow(nowMillis(), this.#addon.threadCpuNanos());
  }

  #newWindow(now: number, cpuNanos: number): void {
    this.#sinceMillis = now;
    this.#sinceCpuNanos = cpuNanos;
    this.#words[SWITCHER_WORD.looks] = 0;
    this.#words[SWITCHER_WORD.switches] = 0;
  }

  /** Whether the hooks have become too dear; they must go then. */
  isTooDear(): boolean {
    const now = nowMillis();
    const millis = now - this.#sinceMillis;
    if (millis < MIN_WINDOW_MILLIS) return false;
    const cpuNanos = this.#addon.threadCpuNanos();
    const usedNanos = cpuNanos - this.#sinceCpuNanos;
    if (usedNanos < MIN_WINDOW_CPU_MILLIS * NANOS_PER_MILLI) return false;
    const looks = this.#words[SWITCHER_WORD.looks] ?? 0;
    const switches = this.#words[SWITCHER_WORD.switches] ?? 0;
    const { lookNanos, switchNanos } = this.#cost;
    // Never above 100, so that a budget of 100 is none.
    const costNanos = looks * lookNanos + switches * switchNanos;
    this.#costPercent = Math.min(1, costNanos / usedNanos) * PERCENT;
    this.#looksPerSecond = (looks / millis) * MILLIS_PER_SECOND;
    this.#newWindow(now, cpuNanos);
    const isTooDear =
      this.#costPercent > this.#budgetPercent || this.#looksPerSecond > this.#maxLooksPerSecond;
    if (isTooDear) this.#giveUp(now);
    else if (now - this.#returnedAtMillis > LASTING_MILLIS) this.#retryMillis = FIRST_RETRY_MILLIS;
    return isTooDear;
  }

  #giveUp(now: number): void {
    this.#fallbacks++;
    this.#retryAtMillis = now + this.#retryMillis;
    this.#retryMillis = Math.min(this.#retryMillis * 2, MAX_RETRY_MILLIS);
  }

  /** Whether it is time to try again; counted as a return. */
  mayReturn(): boolean {
    const now = nowMillis();
    if (now < this.#retryAtMillis) return false;
    this.#returns++;
    this.#returnedAtMillis = now;
    return true;
  }

  status(): GovernorStatus {
    return {
      fallbacks: this.#fallbacks,
      returns: this.#returns,
      costPercent: this.#costPercent,
      looksPerSecond: Math.round(this.#looksPerSecond),
    };
  }
}
