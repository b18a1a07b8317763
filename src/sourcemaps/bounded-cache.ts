/** A cache that forgets what was used longest ago, bounded by number of entries and by weight. */
export class BoundedCache<Value> {
  readonly #maxEntries: number;
  readonly #maxWeight: number;
  /** In order of use: the first is the next to go. */
  readonly #entries = new Map<string, { readonly value: Value; readonly weight: number }>();
  #weight = 0;
  #evicted = 0;

  constructor(maxEntries: number, maxWeight: number) {
    this.#maxEntries = maxEntries;
    this.#maxWeight = maxWeight;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Keeps a value; false, and nothing kept, if it alone exceeds the bounds. */
  set(key: string, value: Value, weight: number): boolean {
    this.#remove(key);
    if (weight > this.#maxWeight || this.#maxEntries < 1) return false;
    this.#entries.set(key, { value, weight });
    this.#weight += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries && this.#weight <= this.#maxWeight) break;
      this.#remove(oldest);
      this.#evicted += 1;
    }
    return true;
  }

  get size(): number {
    return this.#entries.size;
  }

  get weight(): number {
    return this.#weight;
  }

  /** Entries pushed out by newer ones so far. */
  get evicted(): number {
    return this.#evicted;
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
  }
}
