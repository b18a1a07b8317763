/** CPU time from the CPU sampler's signals, for the time in which it is not measured exactly. */
import type { Addon } from '../native.ts';
import { type Bill, Estimates, NOBODY, payerOf } from './bill.ts';

export class CpuSamples {
  readonly #addon: Addon;
  readonly #periodMillis: number;
  readonly #billOf: (scopeId: number) => Bill | undefined;

  constructor(addon: Addon, periodMillis: number, billOf: (scopeId: number) => Bill | undefined) {
    this.#addon = addon;
    this.#periodMillis = periodMillis;
    this.#billOf = billOf;
  }

  /** Signals up to now are nobody's. */
  forget(): void {
    this.#addon.cpuSampledScopes();
  }

  /** Each signal since the last call stands for one period of who ran. */
  share(): void {
    for (const scopeId of this.#addon.cpuSampledScopes()) {
      const bill = this.#billOf(scopeId);
      const payer = bill === undefined ? NOBODY : payerOf(bill);
      if (payer === NOBODY) continue;
      payer.self ??= new Estimates();
      addPeriod(payer.self, this.#periodMillis);
      for (let above: Bill | undefined = payer; above !== undefined; above = above.parent) {
        above.inclusive ??= new Estimates();
        addPeriod(above.inclusive, this.#periodMillis);
      }
    }
  }
}

function addPeriod(estimates: Estimates, periodMillis: number): void {
  estimates.sampledCpuMillis += periodMillis;
  estimates.sampledCpuVariance += periodMillis * periodMillis;
}
