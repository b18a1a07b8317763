/** From V8's frames in columns to the stacks of a profile. */
import { fileURLToPath } from 'node:url';
import type { ProfileBuilder } from './builder.ts';

/** Frames as native code hands them over; `FrameColumns` in native.ts describes the columns. */
interface Columns {
  readonly strings: readonly string[];
  readonly functions: Int32Array;
  readonly nodeParent: Int32Array;
  readonly nodeFunction: Int32Array;
}

/** Where a frame was written, if a source map knows better. */
export interface OriginalPosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly name?: string;
}

export type ResolvePosition = (
  file: string,
  line: number,
  column: number,
  functionName: string,
) => OriginalPosition | undefined;

const FUNCTION_FIELDS = 4;

/**
 * The frames and stacks of one window in a builder. Callers stand at the line where their function
 * begins (V8 knows no better), leaves at the line that ran where it is known.
 */
export class FrameTable {
  readonly #builder: ProfileBuilder;
  readonly #columns: Columns;
  readonly #resolve: ResolvePosition;
  /** Files as tools know them, by index of the string. */
  readonly #paths: (string | undefined)[] = [];
  /** Where each function begins, if a source map knows better. */
  readonly #starts: (OriginalPosition | undefined)[] = [];
  /** Each function in the builder, and the location of its beginning. */
  readonly #functions: Int32Array;
  readonly #locations: Int32Array;
  /** Stack of each node. */
  readonly #stacks: Int32Array;

  constructor(builder: ProfileBuilder, columns: Columns, resolve: ResolvePosition) {
    this.#builder = builder;
    this.#columns = columns;
    this.#resolve = resolve;
    const { functions, nodeParent, nodeFunction } = columns;
    this.#functions = new Int32Array(functions.length / FUNCTION_FIELDS);
    this.#locations = new Int32Array(this.#functions.length);
    for (let index = 0; index < this.#functions.length; index++) {
      const start = this.#startOf(index);
      this.#starts.push(start);
      this.#functions[index] = this.#function(index, start);
      this.#locations[index] = this.#location(index, 0);
    }
    this.#stacks = new Int32Array(nodeParent.length);
    for (let node = 0; node < nodeParent.length; node++) {
      const location = this.#locations[nodeFunction[node] ?? 0] ?? 0;
      this.#stacks[node] = builder.stack(this.#callerOf(node), location);
    }
  }

  /** The builder's stack id of a node, with `line` (0 if unknown) in its leaf. */
  stackOf(node: number, line = 0): number {
    if (line === 0) return this.#stacks[node] ?? -1;
    const location = this.#location(this.#columns.nodeFunction[node] ?? 0, line);
    return this.#builder.stack(this.#callerOf(node), location);
  }

  #callerOf(node: number): number {
    const parent = this.#columns.nodeParent[node] ?? -1;
    return parent < 0 ? -1 : (this.#stacks[parent] ?? -1);
  }

  #startOf(index: number): OriginalPosition | undefined {
    const { strings, functions } = this.#columns;
    const at = index * FUNCTION_FIELDS;
    const file = strings[functions[at + 1] ?? 0] ?? '';
    if (!isScript(file)) return undefined;
    const name = strings[functions[at] ?? 0] ?? '';
    return this.#resolve(file, functions[at + 2] ?? 0, functions[at + 3] ?? 0, name);
  }

  #function(index: number, start: OriginalPosition | undefined): number {
    const { strings, functions } = this.#columns;
    const at = index * FUNCTION_FIELDS;
    const name = strings[functions[at] ?? 0] ?? '';
    if (start !== undefined) {
      return this.#builder.function(start.name ?? name, start.file, start.line);
    }
    return this.#builder.function(
      name,
      this.#pathOf(functions[at + 1] ?? 0),
      functions[at + 2] ?? 0,
    );
  }

  /** Hot: once per function, and once per sample whose line is known. */
  #location(index: number, leafLine: number): number {
    const builder = this.#builder;
    const id = this.#functions[index] ?? 0;
    const start = this.#starts[index];
    if (start !== undefined) {
      const ran = leafLine === 0 ? start : this.#leafOf(index, leafLine, start);
      return builder.location(id, ran.line, ran.column);
    }
    if (leafLine !== 0) return builder.location(id, leafLine, 0);
    const { functions } = this.#columns;
    const at = index * FUNCTION_FIELDS;
    return builder.location(id, functions[at + 2] ?? 0, functions[at + 3] ?? 0);
  }

  /** Where a line of generated code was written. */
  #leafOf(index: number, line: number, start: OriginalPosition): OriginalPosition {
    const { strings, functions } = this.#columns;
    const at = index * FUNCTION_FIELDS;
    const name = strings[functions[at] ?? 0] ?? '';
    const leaf = this.#resolve(strings[functions[at + 1] ?? 0] ?? '', line, 0, name);
    // A line that the map cannot place: the function's beginning is still right.
    return leaf?.file === start.file ? leaf : start;
  }

  #pathOf(file: number): string {
    this.#paths[file] ??= plainPath(this.#columns.strings[file] ?? '');
    return this.#paths[file] ?? '';
  }
}

/** Node's own files and frames without one have no source map. */
function isScript(file: string): boolean {
  return file !== '' && !file.startsWith('node:');
}

/** `file:///srv/app.js` → `/srv/app.js`, so that tools find the source; anything else as it is. */
function plainPath(file: string): string {
  if (!file.startsWith('file://')) return file;
  try {
    return fileURLToPath(file);
  } catch {
    return file;
  }
}
