/** How much of what a bill's work allocated is alive, at moments between which it can only be guessed. */
import { performance } from 'node:perf_hooks';
import type { Addon } from '../native.ts';
import { type Bill, Estimates, LATE, NOBODY, payerOf } from './bill.ts';

const nowMillis = performance.now.bind(performance);

/** A look takes 0.05 to 0.7 ms, with the number of live samples: so it costs at most half a percent. */
const MILLIS_BETWEEN_LOOKS_PER_MILLI = 200;
/** With a reason more often by this factor: at most two percent. */
const LAST_LOOKS = 4;
const MIN_MILLIS_BETWEEN_LOOKS = 20;
const NUMBERS_PER_SCOPE = 3;

export class LiveBytes {
  readonly #addon: Addon;
  readonly #billOf: (scopeId: number) => Bill | undefined;
  #seen = new Set<Bill>();
  #nextLookMillis = 0;
  #nextLastLookMillis = 0;

  constructor(addon: Addon, billOf: (scopeId: number) => Bill | undefined) {
    this.#addon = addon;
    this.#billOf = billOf;
  }

  /**
   * Looks, unless the last time was just now. `intervalBytes` as in `HeapEvents`; `isLast`: a bill that
   * allocated a lot ends; `collections`: how many there have been.
   */
  look(intervalBytes: number, collections: number, isLast = false): void {
    const begin = nowMillis();
    const soonest = isLast ? this.#nextLastLookMillis : this.#nextLookMillis;
    if (begin < soonest) return;
    const live = this.#addon.heapLiveBytes();
    for (let at = 0; at < live.length; at += NUMBERS_PER_SCOPE) {
      this.#add(live[at] ?? 0, live[at + 1] ?? 0, live[at + 2] ?? 0, collections);
    }
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
    this.#nextLastLookMillis = end + Math.max(MIN_MILLIS_BETWEEN_LOOKS, pause / LAST_LOOKS);
  }

  /**
   * What was allocated since the last collection is mostly garbage that nobody has collected. It counts
   * only for a bill that has not seen one: nothing better is known there.
   */
  #add(scopeId: number, survived: number, young: number, collections: number): void {
    const bill = this.#billOf(scopeId);
    const payer = bill === undefined ? NOBODY : payerOf(bill);
    if (payer === NOBODY || payer === LATE) return;
    const bytesFor = (of: Bill) => survived + (of.collections === collections ? young : 0);
    payer.self ??= new Estimates();
    payer.self.liveBytes += bytesFor(payer);
    for (let above: Bill | undefined = payer; above !== undefined; above = above.parent) {
      above.inclusive ??= new Estimates();
      above.inclusive.liveBytes += bytesFor(above);
      this.#seen.add(above);
    }
  }
}
