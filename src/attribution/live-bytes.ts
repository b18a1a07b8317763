/** How much of what a bill's work allocated is alive, at moments between which it can only be guessed. */
import { performance } from 'node:perf_hooks';
import type { Addon } from '../native.ts';
import { type Bill, Estimates, LATE, NOBODY, payerOf } from './bill.ts';

const nowMillis = performance.now.bind(performance);

/** A look takes 0.05 to 0.7 ms, with the number of live samples: so it costs at most half a percent. */
const MILLIS_BETWEEN_LOOKS_PER_MILLI = 200;
const MIN_MILLIS_BETWEEN_LOOKS = 20;

export class LiveBytes {
  readonly #addon: Addon;
  readonly #billOf: (scopeId: number) => Bill | undefined;
  #seen = new Set<Bill>();
  #nextLookMillis = 0;

  constructor(addon: Addon, billOf: (scopeId: number) => Bill | undefined) {
    this.#addon = addon;
    this.#billOf = billOf;
  }

  /** Looks, unless the last time was just now. `intervalBytes` as in `HeapEvents`. */
  look(intervalBytes: number): void {
    const begin = nowMillis();
    if (begin < this.#nextLookMillis) return;
    const live = this.#addon.heapLiveBytes();
    for (let at = 0; at < live.length; at += 2) this.#add(live[at] ?? 0, live[at + 1] ?? 0);
    for (const bill of this.#seen) {
      for (const side of [bill.self, bill.inclusive]) {
        if (side === undefined) continue;
        if (side.liveBytes > side.peakLiveBytes) {
          side.peakLiveBytes = side.liveBytes;
          // Samples that stand for an interval each, as many as there are: their count varies by its root.
          side.peakLiveVariance = side.liveBytes * intervalBytes;
        }
        side.liveBytes = 0;
      }
    }
    this.#seen.clear();
    const end = nowMillis();
    const pause = (end - begin) * MILLIS_BETWEEN_LOOKS_PER_MILLI;
    this.#nextLookMillis = end + Math.max(MIN_MILLIS_BETWEEN_LOOKS, pause);
  }

  #add(scopeId: number, bytes: number): void {
    const bill = this.#billOf(scopeId);
    const payer = bill === undefined ? NOBODY : payerOf(bill);
    if (payer === NOBODY || payer === LATE) return;
    payer.self ??= new Estimates();
    payer.self.liveBytes += bytes;
    for (let above: Bill | undefined = payer; above !== undefined; above = above.parent) {
      above.inclusive ??= new Estimates();
      above.inclusive.liveBytes += bytes;
      this.#seen.add(above);
    }
  }
}
