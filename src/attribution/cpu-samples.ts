/** CPU time from the CPU sampler's signals, for the time in which it is not measured exactly. */
import type { Addon } from '../native.ts';
import { NANOS_PER_MILLI } from '../units.ts';
import { type Bill, Estimates, NOBODY, payerOf } from './bill.ts';

export class CpuSamples {
  readonly #addon: Addon;
  readonly #periodMillis: () => number;
  readonly #billOf: (scopeId: number) => Bill | undefined;
  #sinceCpuNanos = 0;

  constructor(
    addon: Addon,
    periodMillis: () => number,
    billOf: (scopeId: number) => Bill | undefined,
  ) {
    this.#addon = addon;
    this.#periodMillis = periodMillis;
    this.#billOf = billOf;
  }

  /** Signals up to now are nobody's. */
  forget(): void {
    this.#addon.cpuSampledScopes();
    this.#sinceCpuNanos = this.#addon.threadCpuNanos();
  }

  /**
   * Each signal since the last call stands for one period of who ran. Signals come by the clock on the
   * wall: where the thread had to share its CPU, they stand for less.
   */
  share(): void {
    const scopeIds = this.#addon.cpuSampledScopes();
    if (scopeIds === undefined) return;
    const cpuNanos = this.#addon.threadCpuNanos();
    const cpuMillis = (cpuNanos - this.#sinceCpuNanos) / NANOS_PER_MILLI;
    this.#sinceCpuNanos = cpuNanos;
    const periodMillis = Math.min(this.#periodMillis(), cpuMillis / scopeIds.length);
    for (const scopeId of scopeIds) {
      const bill = this.#billOf(scopeId);
      const payer = bill === undefined ? NOBODY : payerOf(bill);
      if (payer === NOBODY) continue;
      payer.self ??= new Estimates();
      addPeriod(payer.self, periodMillis);
      for (let above: Bill | undefined = payer; above !== undefined; above = above.parent) {
        above.inclusive ??= new Estimates();
        addPeriod(above.inclusive, periodMillis);
      }
    }
  }
}

function addPeriod(estimates: Estimates, periodMillis: number): void {
  estimates.sampledCpuMillis += periodMillis;
  estimates.sampledCpuVariance += periodMillis * periodMillis;
}
