import { CompactMappings } from './compact-mappings.ts';
import { sourcePath } from './paths.ts';

/** A position in a source. Line and column are 0-based here; `resolve` makes them 1-based. */
export interface OriginalPosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The name the segment bears, and the generated column at which that segment begins. */
  readonly name: string | undefined;
  readonly generatedColumn: number;
}

/** One loaded source map. Look-ups never fail: everything was checked when it was read. */
export interface OriginalMap {
  /** Memory held, in bytes. */
  readonly bytes: number;
  /** 0-based generated position; `column` undefined when only the line is known. */
  find(line: number, column: number | undefined): OriginalPosition | undefined;
}

/** Index maps may hold index maps; real ones do not go deeper than two. */
const MAX_SECTION_DEPTH = 4;

/** What a string costs beside its characters. */
const STRING_OVERHEAD_BYTES = 24;

/**
 * Reads a source map, plain or with sections. `directory` is the folder its relative sources are
 * relative to. Throws an `Error` that says what is wrong with a malformed one.
 */
export function readOriginalMap(map: unknown, directory: string, depth = 0): OriginalMap {
  const fields = record(map, 'source map');
  if (Number(fields['version']) !== 3) throw new Error('source map is not of version 3');
  if (fields['sections'] === undefined) return new PlainMap(fields, directory);
  if (depth >= MAX_SECTION_DEPTH) throw new Error('source map has sections nested too deeply');
  return new SectionedMap(fields['sections'], directory, depth);
}

class PlainMap implements OriginalMap {
  readonly bytes: number;
  readonly #mappings: CompactMappings;
  /** Paths; undefined where the map has a mapping without saying to what. */
  readonly #sources: readonly (string | undefined)[];
  readonly #names: readonly string[];

  constructor(fields: Readonly<Record<string, unknown>>, directory: string) {
    const { sources, names, mappings } = fields;
    const sourceRoot = typeof fields['sourceRoot'] === 'string' ? fields['sourceRoot'] : '';
    if (typeof mappings !== 'string') throw new Error('source map has no mappings');
    if (!Array.isArray(sources)) throw new Error('source map has no sources');
    this.#sources = sources.map((source: unknown) =>
      typeof source === 'string' ? sourcePath(source, sourceRoot, directory) : undefined,
    );
    this.#names = Array.isArray(names) ? names.map(String) : [];
    this.#mappings = new CompactMappings(mappings, this.#sources.length, this.#names.length);
    this.bytes = this.#mappings.bytes + stringsBytes(this.#sources) + stringsBytes(this.#names);
  }

  find(line: number, column: number | undefined): OriginalPosition | undefined {
    const mapped =
      column === undefined ? this.#mappings.findOnLine(line) : this.#mappings.find(line, column);
    if (mapped === undefined) return undefined;
    const file = this.#sources[mapped.source];
    if (file === undefined) return undefined;
    return {
      file,
      line: mapped.line,
      column: mapped.column,
      name: this.#names[mapped.name],
      generatedColumn: mapped.generatedColumn,
    };
  }
}

/** Concatenated outputs, each with a map of its own: the last section that begins before decides. */
class SectionedMap implements OriginalMap {
  readonly bytes: number;
  readonly #sections: readonly { line: number; column: number; map: OriginalMap }[];

  constructor(sections: unknown, directory: string, depth: number) {
    if (!Array.isArray(sections)) throw new Error('source map has no list of sections');
    let bytes = 0;
    this.#sections = sections.map((section: unknown) => {
      const { offset, map } = record(section, 'section');
      const { line, column } = record(offset, 'section offset');
      const loaded = readOriginalMap(map, directory, depth + 1);
      bytes += loaded.bytes;
      return { line: position(line), column: position(column), map: loaded };
    });
    this.bytes = bytes;
    for (const [at, section] of this.#sections.entries()) {
      const previous = this.#sections[at - 1];
      if (previous !== undefined && isBefore(section, previous.line, previous.column)) {
        throw new Error('source map has sections out of order');
      }
    }
  }

  find(line: number, column: number | undefined): OriginalPosition | undefined {
    // Without a column, a line that a second section begins on is as ambiguous as any other mix.
    let low = 0;
    let high = this.#sections.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const section = this.#sections[middle];
      if (
        section === undefined ||
        isBefore({ line, column: column ?? 0 }, section.line, section.column)
      ) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    if (column === undefined && this.#sections[low]?.line === line) return undefined;
    const section = this.#sections[low - 1];
    if (section === undefined) return undefined;
    // Only the first line of a section is shifted sideways.
    const shift = line === section.line ? section.column : 0;
    const found = section.map.find(
      line - section.line,
      column === undefined ? undefined : column - shift,
    );
    return found && { ...found, generatedColumn: found.generatedColumn + shift };
  }
}

function isBefore(at: { line: number; column: number }, line: number, column: number): boolean {
  return at.line < line || (at.line === line && at.column < column);
}

function position(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error('source map has a section without a valid offset');
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Error(`${what} is not an object`);
}

function stringsBytes(strings: readonly (string | undefined)[]): number {
  let bytes = 0;
  for (const string of strings) bytes += STRING_OVERHEAD_BYTES + (string?.length ?? 0);
  return bytes;
}
