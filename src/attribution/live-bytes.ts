/** How much of what a bill's work allocated is alive, at moments between which it can only be guessed. */
import { performance } from 'node:perf_hooks';
import type { Addon } from '../native.ts';
import { NANOS_PER_MILLI } from '../units.ts';
import { type Bill, Estimates, LATE, NOBODY, payerOf } from './bill.ts';

const nowMillis = performance.now.bind(performance);

/** Of the time, for looks; one takes 0.05 to 0.7 ms, with the number of live samples. */
const BUDGET_SHARE = 0.01;
/** What is put by for bills that end at once; the looks in between leave half of it. */
const MAX_SAVED_MILLIS = 4;
/** Between two looks that no bill's end asks for. */
const MIN_MILLIS_BETWEEN_LOOKS = 20;
const NUMBERS_PER_SCOPE = 3;
/** Less than this says nothing: allocated and live bytes come from other samples, some percent apart. */
const MIN_KNOWN_SHARE = 0.1;

export class LiveBytes {
  readonly #addon: Addon;
  readonly #billOf: (scopeId: number) => Bill | undefined;
  #seen = new Set<Bill>();
  #savedMillis = MAX_SAVED_MILLIS;
  #lastLookMillis = nowMillis();

  constructor(addon: Addon, billOf: (scopeId: number) => Bill | undefined) {
    this.#addon = addon;
    this.#billOf = billOf;
  }

  /**
   * Looks, unless looks have cost too much of late. `intervalBytes` as in `HeapEvents`; `isLast`: a bill
   * that allocated a lot ends; `collections`: how many there have been.
   */
  look(intervalBytes: number, collections: number, isLast = false): void {
    const now = nowMillis();
    const sinceMillis = now - this.#lastLookMillis;
    const saved = Math.min(MAX_SAVED_MILLIS, this.#savedMillis + sinceMillis * BUDGET_SHARE);
    if (
      isLast ? saved <= 0 : saved < MAX_SAVED_MILLIS / 2 || sinceMillis < MIN_MILLIS_BETWEEN_LOOKS
    )
      return;
    this.#lastLookMillis = now;
    // By this thread's clock: on a busy machine others may run in the middle of it.
    const beginCpuNanos = this.#addon.threadCpuNanos();
    const live = this.#addon.heapLiveBytes();
    for (let at = 0; at < live.length; at += NUMBERS_PER_SCOPE) {
      this.#add(live[at] ?? 0, live[at + 1] ?? 0, live[at + 2] ?? 0);
    }
    for (const bill of this.#seen) {
      const isCollected = bill.collections !== collections;
      for (const side of [bill.self, bill.inclusive]) {
        if (side === undefined) continue;
        const bytes = side.provenBytes + side.unprovenBytes * (isCollected ? survivalOf(side) : 1);
        if (bytes > side.peakLiveBytes) {
          side.peakLiveBytes = bytes;
          // Samples that stand for an interval each, as many as there are: their count varies by its root.
          side.peakLiveVariance = bytes * intervalBytes;
        }
        side.provenBytes = 0;
        side.unprovenBytes = 0;
      }
    }
    this.#seen.clear();
    this.#savedMillis = saved - (this.#addon.threadCpuNanos() - beginCpuNanos) / NANOS_PER_MILLI;
  }

  #add(scopeId: number, proven: number, unproven: number): void {
    const bill = this.#billOf(scopeId);
    const payer = bill === undefined ? NOBODY : payerOf(bill);
    if (payer === NOBODY || payer === LATE) return;
    payer.self ??= new Estimates();
    payer.self.provenBytes += proven;
    payer.self.unprovenBytes += unproven;
    for (let above: Bill | undefined = payer; above !== undefined; above = above.parent) {
      above.inclusive ??= new Estimates();
      above.inclusive.provenBytes += proven;
      above.inclusive.unprovenBytes += unproven;
      this.#seen.add(above);
    }
  }
}

/**
 * What no collection has proven alive may be garbage that nobody has collected yet. The best guess is
 * that as much of it lives on as of what the same work allocated before; all, where that is too little
 * to tell.
 */
function survivalOf({ provenBytes, unprovenBytes, allocatedBytes }: Estimates): number {
  const before = Math.max(allocatedBytes - unprovenBytes, provenBytes);
  return before < unprovenBytes * MIN_KNOWN_SHARE ? 1 : provenBytes / before;
}
