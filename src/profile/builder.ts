import { TripleInterner } from './interner.ts';
import { LabelSetInterner } from './label-sets.ts';
import type { Labels, Profile, ProfileHeader } from './model.ts';

/** What a function without a name is called, as Node's own stack traces do. */
export const ANONYMOUS = '(anonymous)';

/**
 * Builds a profile sample by sample. Frames, stacks and label sets are interned: asking twice gives
 * the same id, and ids are dense, so callers may cache them in arrays.
 *
 *     const builder = new ProfileBuilder(header);
 *     const main = builder.stack(-1, builder.frame('main', 'app.ts', 12));
 *     builder.add(main, builder.labelSet({ agent_name: 'planner' }), 1, 10_000_000);
 *     const profile = builder.build();
 *
 * Nothing here throws. Whether ids handed in are ids handed out is not checked.
 */
export class ProfileBuilder {
  readonly #header: ProfileHeader;
  readonly #stringIds = new Map<string, number>();
  readonly #strings: string[] = [];
  /** (name, file, first line); name and file are ids of strings. */
  readonly #functions = new TripleInterner();
  /** (function, line, column) */
  readonly #locations = new TripleInterner();
  /** (parent stack, location, 0) */
  readonly #stacks = new TripleInterner();
  /** (stack, label set, 0) */
  readonly #samples = new TripleInterner();
  readonly #labelSets = new LabelSetInterner();
  /** One column per sample type, not yet rounded. */
  readonly #columns: number[][];

  constructor(header: ProfileHeader) {
    this.#header = header;
    this.#columns = header.sampleTypes.map(() => []);
  }

  /**
   * Adds to the first two columns of a (stack, label set) pair and returns its row. Hot: once per
   * sample of a flush. Negative values and NaN count as 0; fractions are kept until `build` rounds the sums.
   */
  add(stack: number, labelSet: number, value0: number, value1: number): number {
    const sample = this.#sample(stack, labelSet);
    const column0 = this.#columns[0];
    if (column0 !== undefined) column0[sample] = (column0[sample] ?? 0) + countable(value0);
    const column1 = this.#columns[1];
    if (column1 !== undefined) column1[sample] = (column1[sample] ?? 0) + countable(value1);
    return sample;
  }

  /** The same for any number of columns; missing values count as 0. */
  addValues(stack: number, labelSet: number, values: readonly number[]): void {
    const sample = this.#sample(stack, labelSet);
    const columns = this.#columns;
    // Not `entries()`: until V8 has compiled this, its iterator takes longer than all the rest.
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index];
      if (column !== undefined)
        column[sample] = (column[sample] ?? 0) + countable(values[index] ?? 0);
    }
  }

  /**
   * The location of a frame. Lines and columns are 1-based, 0 if unknown. A function is told from
   * others by name, file and first line; an empty name becomes `(anonymous)`.
   */
  frame(name: string, file: string, line: number, startLine = 0, column = 0): number {
    return this.location(this.function(name, file, startLine), line, column);
  }

  /** The id of a function, for callers that know many of its lines. */
  function(name: string, file: string, startLine: number): number {
    const nameId = this.#string(name === '' ? ANONYMOUS : name);
    return this.#functions.intern(nameId, this.#string(file), startLine);
  }

  /** The location of a line of a function. */
  location(functionId: number, line: number, column: number): number {
    return this.#locations.intern(functionId, line, column);
  }

  /** The stack that calls `location` from `parentStack`; a parent of -1 makes an entry frame. */
  stack(parentStack: number, location: number): number {
    return this.#stacks.intern(parentStack, location, 0);
  }

  /** The id of a set of labels. What pprof cannot carry is left out (empty text, reserved keys). */
  labelSet(labels: Labels): number {
    return this.#labelSets.intern(labels);
  }

  /** How many different (stack, label set) pairs there are so far. */
  get sampleCount(): number {
    return this.#samples.size;
  }

  /** The profile so far. The builder may go on; the profile does not change with it. */
  build(): Profile {
    const text = (id: number): string => this.#strings[id] ?? '';
    return {
      ...this.#header,
      functions: {
        name: this.#functions.first.map(text),
        file: this.#functions.second.map(text),
        startLine: this.#functions.third.slice(),
      },
      locations: {
        function: this.#locations.first.slice(),
        line: this.#locations.second.slice(),
        column: this.#locations.third.slice(),
      },
      stacks: { parent: this.#stacks.first.slice(), location: this.#stacks.second.slice() },
      labelSets: this.#labelSets.sets.slice(),
      samples: {
        stack: this.#samples.first.slice(),
        labelSet: this.#samples.second.slice(),
        values: this.#columns.map((column) => column.map(wholeNumber)),
      },
    };
  }

  #sample(stack: number, labelSet: number): number {
    const before = this.#samples.size;
    const sample = this.#samples.intern(stack, labelSet, 0);
    if (sample === before) {
      for (const column of this.#columns) column.push(0);
    }
    return sample;
  }

  #string(text: string): number {
    let id = this.#stringIds.get(text);
    if (id === undefined) {
      id = this.#strings.push(text) - 1;
      this.#stringIds.set(text, id);
    }
    return id;
  }
}

/** A value that may be added: NaN and everything negative count as nothing. */
function countable(value: number): number {
  if (value > 0) return value;
  return 0;
}

/** A sum as the model wants it: whole, and small enough to be exact. */
function wholeNumber(sum: number): number {
  return Math.min(Math.round(sum), Number.MAX_SAFE_INTEGER);
}
