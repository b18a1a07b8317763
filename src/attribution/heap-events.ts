/** Shares sampled allocations and garbage collections out to the bills (native/meter.cc notes them). */
import { type Addon, type BillMemory, SWITCHER_WORD } from '../native.ts';
import { type Bill, Estimates, NOBODY, payerOf } from './bill.ts';
import type { HeapPeaks } from './heap-peaks.ts';

const NUMBERS_PER_EVENT = 3;
const COLLECTION = -1;
const OTHER_WORK = -2;

export interface HeapEventsOptions {
  readonly addon: Addon;
  readonly memory: BillMemory;
  /** V8 samples each allocated byte with the chance of one in this. */
  readonly intervalBytes: () => number | undefined;
  readonly billOf: (scopeId: number) => Bill | undefined;
  readonly peaks: HeapPeaks;
  readonly openBills: () => number;
}

export class HeapEvents {
  readonly #options: HeapEventsOptions;
  /** Estimated bytes allocated since the last collection. */
  readonly #sinceCollection = new Map<Bill, number>();
  /** Time of the collector that nobody has been charged with: for those who are seen next. */
  #waitingGcMillis = 0;
  /** All of it. */
  gcMillis = 0;

  constructor(options: HeapEventsOptions) {
    this.#options = options;
  }

  /** To be called before a bill ends, and often enough that scopes can still be found. */
  share(): void {
    const { addon, memory, peaks, openBills } = this.#options;
    if (memory.words[SWITCHER_WORD.events] === 0) return;
    const events = addon.meterEvents() ?? [];
    for (let at = 0; at < events.length; at += NUMBERS_PER_EVENT) {
      const scopeId = events[at] ?? 0;
      const amount = events[at + 1] ?? 0;
      if (scopeId === COLLECTION) {
        peaks.note(events[at + 2] ?? 0, openBills());
        this.#addCollection(amount);
      } else if (scopeId === OTHER_WORK) {
        this.#add(amount);
      } else {
        this.#addAllocation(scopeId, amount);
      }
    }
  }

  /** Weighted by one over the chance to be sampled: right on average, with a known variance. */
  #addAllocation(scopeId: number, sampledBytes: number): void {
    const intervalBytes = this.#options.intervalBytes();
    if (intervalBytes === undefined) return; // whose it was is not proven
    const bill = scopeId === 0 ? undefined : this.#options.billOf(scopeId);
    const payer = bill === undefined ? NOBODY : payerOf(bill);
    const chance = 1 - Math.exp(-sampledBytes / intervalBytes);
    const bytes = sampledBytes / chance;
    const variance = bytes * bytes * (1 - chance);
    payer.self ??= new Estimates();
    payer.self.allocatedBytes += bytes;
    payer.self.allocatedVariance += variance;
    for (let above: Bill | undefined = payer; above !== undefined; above = above.parent) {
      above.inclusive ??= new Estimates();
      above.inclusive.allocatedBytes += bytes;
      above.inclusive.allocatedVariance += variance;
    }
    this.#sinceCollection.set(payer, (this.#sinceCollection.get(payer) ?? 0) + bytes);
  }

  /** For those of the next collection. */
  #add(cpuMillis: number): void {
    this.gcMillis += cpuMillis;
    this.#waitingGcMillis += cpuMillis;
  }

  #addCollection(cpuMillis: number): void {
    this.#add(cpuMillis);
    let allBytes = 0;
    for (const bytes of this.#sinceCollection.values()) allBytes += bytes;
    if (allBytes === 0) return;
    const millis = this.#waitingGcMillis;
    this.#waitingGcMillis = 0;
    for (const [bill, bytes] of this.#sinceCollection) {
      addGc(payerOf(bill), (millis * bytes) / allBytes);
    }
    this.#sinceCollection.clear();
  }
}

function addGc(payer: Bill, millis: number): void {
  payer.self ??= new Estimates();
  payer.self.gcMillis += millis;
  for (let above: Bill | undefined = payer; above !== undefined; above = above.parent) {
    above.inclusive ??= new Estimates();
    above.inclusive.gcMillis += millis;
  }
}
