import { TripleInterner } from './interner.ts';
import type { Labels, LabelValue } from './model.ts';

/** Keys that begin so belong to pprof itself. */
export const RESERVED_KEY_PREFIX = 'pprof::';

/**
 * What a set is made from: an object that inherits nothing, so that `labels['constructor']` is undefined.
 * V8 keeps one of `Object.create(null)` as a hash table, five times as large and slower to fill.
 */
const LabelSet = function LabelSet() {} as unknown as new () => Record<string, LabelValue>;
LabelSet.prototype = Object.freeze(Object.create(null));

/**
 * Gives equal sets of labels the same id: 0, 1, 2, … in the order they first come. Equal means the
 * same keys with the same values; the order of keys does not matter, and 1 is not '1'.
 */
export class LabelSetInterner {
  /** The sets by id, frozen, keys sorted. They inherit nothing: see `LabelSet`. */
  readonly sets: Labels[] = [];
  /** Ids of frozen objects already seen: a scope hands over the same one with every sample. */
  readonly #known = new Map<Labels, number>();
  /** Keys and values → a number for each. */
  readonly #atoms = new Map<LabelValue, number>();
  /**
   * (set without its last label, that label's key, its value) → a number for the set with it. Step
   * by step over the sorted keys this leads from the empty set to any other, and unlike a joined
   * text it has no separator that a value could contain.
   */
  readonly #steps = new TripleInterner();
  /** Last step of a set, plus one so that the empty set has one too → id of the set. */
  readonly #idOfStep: (number | undefined)[] = [];

  /** The id of a set. Labels that pprof cannot carry are left out or turned into text: see `carried`. */
  intern(labels: Labels): number {
    const known = this.#known.get(labels);
    if (known !== undefined) return known;
    const id = this.#internByContent(labels);
    if (Object.isFrozen(labels)) this.#known.set(labels, id);
    return id;
  }

  #internByContent(labels: Labels): number {
    const set = new LabelSet();
    let step = EMPTY_SET;
    for (const key of Object.keys(labels).sort()) {
      const value = carried(key, labels[key]);
      if (value === undefined) continue;
      set[key] = value;
      step = this.#steps.intern(step, this.#atom(key), this.#atom(value));
    }
    let id = this.#idOfStep[step + 1];
    if (id === undefined) {
      id = this.sets.push(Object.freeze(set)) - 1;
      this.#idOfStep[step + 1] = id;
    }
    return id;
  }

  #atom(text: LabelValue): number {
    let atom = this.#atoms.get(text);
    if (atom === undefined) {
      atom = this.#atoms.size;
      this.#atoms.set(text, atom);
    }
    return atom;
  }
}

const EMPTY_SET = -1;

/**
 * A label's value as pprof can carry it; undefined if it cannot. An empty key or text is index 0 of
 * the string table, which readers take for "not set", and reserved keys are pprof's own: all three
 * are left out. A number that is not a safe integer becomes its text.
 */
function carried(key: string, value: unknown): LabelValue | undefined {
  if (key === '' || key.startsWith(RESERVED_KEY_PREFIX)) return undefined;
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string') return value;
  // Adding 0 makes 0 of -0, which pprof does not know.
  return typeof value === 'number' && Number.isSafeInteger(value) ? value + 0 : String(value);
}
