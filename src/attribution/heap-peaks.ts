/** The largest heap since any moment: V8's heap only shrinks at collections, so it is largest before one. */

/** Peaks kept; beyond it the oldest go. A falling series of so many collections is hardly met. */
const MAX_PEAKS = 1024;

interface Peak {
  collection: number;
  usedBytes: number;
  openBills: number;
}

export class HeapPeaks {
  /** Later entries are smaller: whatever a larger, later one hides is left out. */
  readonly #peaks: Peak[] = [];
  #collections = 0;

  /** Collections seen so far. */
  get collections(): number {
    return this.#collections;
  }

  note(usedBytes: number, openBills: number): void {
    const peaks = this.#peaks;
    while ((peaks.at(-1)?.usedBytes ?? Number.POSITIVE_INFINITY) <= usedBytes) peaks.pop();
    peaks.push({ collection: ++this.#collections, usedBytes, openBills });
    if (peaks.length > MAX_PEAKS) peaks.shift();
  }

  /** The largest of the collections after the first `collections`. */
  since(collections: number): { usedBytes: number; openBills: number } | undefined {
    let low = 0;
    let high = this.#peaks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#peaks[middle]?.collection ?? 0) > collections) high = middle;
      else low = middle + 1;
    }
    return this.#peaks[low];
  }
}
