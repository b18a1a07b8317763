/**
 * Gives equal triples of whole numbers the same id: 0, 1, 2, … in the order they first come.
 *
 * The triples stand in three plain arrays, which are already the columns of the profile model.
 * The table of slots is open-addressed, so a look-up makes neither an object nor a string.
 */
export class TripleInterner {
  readonly first: number[] = [];
  readonly second: number[] = [];
  readonly third: number[] = [];
  /** id + 1 of the triple in each slot; 0 is a free slot. The length is a power of two. */
  #slots = new Int32Array(INITIAL_SLOTS);

  get size(): number {
    return this.first.length;
  }

  /**
   * The id of a triple. Hot: called for every frame and every sample of a flush. Allocates only
   * when the table doubles.
   */
  intern(first: number, second: number, third: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hashOf(first, second, third) & mask;
    for (let held = slots[slot] ?? 0; held !== 0; held = slots[slot] ?? 0) {
      const id = held - 1;
      if (this.first[id] === first && this.second[id] === second && this.third[id] === third) {
        return id;
      }
      slot = (slot + 1) & mask;
    }
    const id = this.first.length;
    this.first.push(first);
    this.second.push(second);
    this.third.push(third);
    slots[slot] = id + 1;
    if (id * 2 > mask) this.#grow();
    return id;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let id = 0; id < this.first.length; id++) {
      let slot = hashOf(this.first[id] ?? 0, this.second[id] ?? 0, this.third[id] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.#slots = slots;
  }
}

/** Small enough to be free for an empty profile, large enough not to double at once. */
const INITIAL_SLOTS = 256;

/** Odd constants with well-spread bits, one per position so that (1, 2) and (2, 1) differ. */
const MIX_FIRST = 0x9e3779b1;
const MIX_SECOND = 0x85ebca6b;
const MIX_THIRD = 0xc2b2ae35;

function hashOf(first: number, second: number, third: number): number {
  const mixed =
    Math.imul(first, MIX_FIRST) ^ Math.imul(second, MIX_SECOND) ^ Math.imul(third, MIX_THIRD);
  // The table uses the low bits only: fold the high ones, where multiplication mixes best, down.
  return mixed ^ (mixed >>> 15);
}
