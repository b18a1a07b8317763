/**
 * The `mappings` of one source map, kept as the text they came as.
 *
 * Decoding every segment into objects costs about 110 bytes a segment, 170 MB for a 9 MB bundle,
 * which is too much to hold in somebody else's process. Here the base64-VLQ text stays text (about
 * 5 bytes a segment) and one pass writes down a checkpoint every 64 segments; a look-up jumps to the
 * checkpoint before the position and decodes at most a few dozen segments from there.
 *
 * Lines and columns are 0-based in this file, as in the format. The constructor validates every
 * segment, so look-ups cannot fail.
 */

/** Decoding 64 segments takes about a microsecond; a checkpoint for each 64 adds 10 % to the text. */
const SEGMENTS_PER_CHECKPOINT = 64;

/** A line with more segments than this is minified: "the line" says nothing about the source. */
const MAX_SEGMENTS_OF_A_READABLE_LINE = 1_024;

const NONE = -1;
const SEMICOLON = 0x3b;
const COMMA = 0x2c;

/** Base64 digit of each character code, -1 where there is none. */
const DIGITS = new Int8Array(256).fill(NONE);
for (const [digit, character] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
].entries()) {
  DIGITS[character.charCodeAt(0)] = digit;
}

/** A segment that names an original position. */
export interface Mapped {
  /** Where the segment begins on the generated line. */
  readonly generatedColumn: number;
  /** Index into the map's `sources`. */
  readonly source: number;
  readonly line: number;
  readonly column: number;
  /** Index into the map's `names`; -1 if the segment bears none. */
  readonly name: number;
}

export class CompactMappings {
  readonly #text: Uint8Array;
  readonly #checkpoints: Int32Array;
  readonly #sorted: boolean;

  /** Throws an `Error` that says what is wrong when the text is not valid `mappings`. */
  constructor(mappings: string, sourceCount: number, nameCount: number) {
    // `Buffer.alloc` has memory of its own; small buffers made any other way pin a shared slab.
    const text = Buffer.alloc(mappings.length);
    text.write(mappings, 'latin1');
    this.#text = text;
    const { checkpoints, sorted } = index(text, sourceCount, nameCount);
    this.#checkpoints = checkpoints;
    this.#sorted = sorted;
  }

  /** Memory held, in bytes. */
  get bytes(): number {
    return this.#text.byteLength + this.#checkpoints.byteLength;
  }

  /** The segment that covers a generated position: the last one beginning at or before it. */
  find(line: number, column: number): Mapped | undefined {
    // Columns that run backwards are allowed but rare; then only the whole line gives the answer.
    const cursor = this.#cursorBefore(line, this.#sorted ? column : NONE);
    let best: Mapped | undefined;
    let bestColumn = NONE;
    while (cursor.next() && cursor.line <= line) {
      if (cursor.line < line) continue;
      if (cursor.column <= column && cursor.column > bestColumn) {
        bestColumn = cursor.column;
        best = cursor.mapped();
      } else if (this.#sorted && cursor.column > column) {
        break;
      }
    }
    return best;
  }

  /**
   * The first mapped segment of a line, for callers that know no column. Undefined when the line
   * holds code of several sources, or is so long that it must be minified: any answer would be a
   * guess.
   */
  findOnLine(line: number): Mapped | undefined {
    const cursor = this.#cursorBefore(line, NONE);
    let first: Mapped | undefined;
    let seen = 0;
    while (cursor.next() && cursor.line <= line) {
      if (cursor.line < line) continue;
      seen += 1;
      if (seen > MAX_SEGMENTS_OF_A_READABLE_LINE) return undefined;
      const mapped = cursor.mapped();
      if (mapped === undefined) continue;
      if (first !== undefined && first.source !== mapped.source) return undefined;
      first ??= mapped;
    }
    return first;
  }

  /** A cursor at the last checkpoint that is strictly before the position, or at the start. */
  #cursorBefore(line: number, column: number): Cursor {
    const checkpoints = this.#checkpoints;
    let low = 0;
    let high = checkpoints.length / CHECKPOINT_FIELDS;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = middle * CHECKPOINT_FIELDS;
      const checkpointLine = checkpoints[at + AT_LINE] ?? 0;
      const before =
        checkpointLine < line ||
        (checkpointLine === line && (checkpoints[at + AT_COLUMN] ?? 0) < column);
      if (before) low = middle + 1;
      else high = middle;
    }
    const cursor = new Cursor(this.#text);
    if (low > 0) cursor.restore(checkpoints, (low - 1) * CHECKPOINT_FIELDS);
    return cursor;
  }
}

// One checkpoint: the position of the segment it stands before, then the decoder's state there.
const AT_LINE = 0;
const AT_COLUMN = 1;
const AT_OFFSET = 2;
const AT_PREVIOUS_COLUMN = 3;
const AT_SOURCE = 4;
const AT_SOURCE_LINE = 5;
const AT_SOURCE_COLUMN = 6;
const AT_NAME = 7;
const CHECKPOINT_FIELDS = 8;

/** Walks the segments in the order of the text. */
class Cursor {
  line = 0;
  column = 0;
  source = 0;
  sourceLine = 0;
  sourceColumn = 0;
  name = 0;
  /** Number of fields of the current segment: 1, 4 or 5. */
  fields = 0;
  readonly #text: Uint8Array;
  #offset = 0;

  constructor(text: Uint8Array) {
    this.#text = text;
  }

  /** Moves to the next segment; false at the end. Throws when the text is malformed. */
  next(): boolean {
    if (!this.skipSeparators()) return false;
    this.column += this.#number();
    this.fields = 1;
    if (this.#atSegmentEnd()) return true;
    this.source += this.#number();
    this.sourceLine += this.#number();
    this.sourceColumn += this.#number();
    this.fields = 4;
    if (this.#atSegmentEnd()) return true;
    this.name += this.#number();
    this.fields = 5;
    if (!this.#atSegmentEnd()) {
      throw new Error(`mappings have a segment of more than 5 fields at byte ${this.#offset}`);
    }
    return true;
  }

  mapped(): Mapped | undefined {
    if (this.fields === 1) return undefined;
    return {
      generatedColumn: this.column,
      source: this.source,
      line: this.sourceLine,
      column: this.sourceColumn,
      name: this.fields === 5 ? this.name : NONE,
    };
  }

  /** Writes the state before the coming segment; `index` adds that segment's position later. */
  save(checkpoints: Int32Array, at: number): void {
    checkpoints[at + AT_OFFSET] = this.#offset;
    checkpoints[at + AT_LINE] = this.line;
    checkpoints[at + AT_PREVIOUS_COLUMN] = this.column;
    checkpoints[at + AT_SOURCE] = this.source;
    checkpoints[at + AT_SOURCE_LINE] = this.sourceLine;
    checkpoints[at + AT_SOURCE_COLUMN] = this.sourceColumn;
    checkpoints[at + AT_NAME] = this.name;
  }

  restore(checkpoints: Int32Array, at: number): void {
    this.#offset = checkpoints[at + AT_OFFSET] ?? 0;
    this.line = checkpoints[at + AT_LINE] ?? 0;
    this.column = checkpoints[at + AT_PREVIOUS_COLUMN] ?? 0;
    this.source = checkpoints[at + AT_SOURCE] ?? 0;
    this.sourceLine = checkpoints[at + AT_SOURCE_LINE] ?? 0;
    this.sourceColumn = checkpoints[at + AT_SOURCE_COLUMN] ?? 0;
    this.name = checkpoints[at + AT_NAME] ?? 0;
  }

  /** Steps over `,` and `;`, counting lines; false at the end of the text. */
  skipSeparators(): boolean {
    const text = this.#text;
    for (; this.#offset < text.length; this.#offset += 1) {
      const code = text[this.#offset];
      if (code === SEMICOLON) {
        this.line += 1;
        this.column = 0;
      } else if (code !== COMMA) {
        return true;
      }
    }
    return false;
  }

  #atSegmentEnd(): boolean {
    const code = this.#text[this.#offset];
    return code === undefined || code === COMMA || code === SEMICOLON;
  }

  /** One base64-VLQ number: five bits a digit, lowest first, the sign in the lowest bit of all. */
  #number(): number {
    let value = 0;
    let shift = 0;
    for (;;) {
      const digit = DIGITS[this.#text[this.#offset] ?? 0] ?? NONE;
      // 31 bits and a sign: seven digits at most, the last one with two bits.
      if (digit === NONE || shift > 30) {
        throw new Error(`mappings are malformed at byte ${this.#offset}`);
      }
      this.#offset += 1;
      value |= (digit & 31) << shift;
      if ((digit & 32) === 0) break;
      shift += 5;
    }
    const magnitude = value >>> 1;
    return (value & 1) === 1 ? -magnitude : magnitude;
  }
}

/** The one pass over the text: validates every segment and writes the checkpoints. */
function index(
  text: Uint8Array,
  sourceCount: number,
  nameCount: number,
): { checkpoints: Int32Array; sorted: boolean } {
  const cursor = new Cursor(text);
  let checkpoints = new Int32Array(CHECKPOINT_FIELDS * 16);
  let used = 0;
  let sorted = true;
  let line = NONE;
  let column = 0;
  for (let segment = 0; cursor.skipSeparators(); segment += 1) {
    const isCheckpoint = segment % SEGMENTS_PER_CHECKPOINT === 0;
    if (isCheckpoint) {
      if (used + CHECKPOINT_FIELDS > checkpoints.length) {
        const larger = new Int32Array(checkpoints.length * 2);
        larger.set(checkpoints);
        checkpoints = larger;
      }
      cursor.save(checkpoints, used);
    }
    cursor.next();
    if (isCheckpoint) {
      checkpoints[used + AT_COLUMN] = cursor.column;
      used += CHECKPOINT_FIELDS;
    }
    if (cursor.line === line && cursor.column < column) sorted = false;
    line = cursor.line;
    column = cursor.column;
    validate(cursor, sourceCount, nameCount);
  }
  return { checkpoints: checkpoints.slice(0, used), sorted };
}

function validate(cursor: Cursor, sourceCount: number, nameCount: number): void {
  const valid =
    cursor.column >= 0 &&
    (cursor.fields === 1 ||
      (cursor.source >= 0 &&
        cursor.source < sourceCount &&
        cursor.sourceLine >= 0 &&
        cursor.sourceColumn >= 0)) &&
    (cursor.fields !== 5 || (cursor.name >= 0 && cursor.name < nameCount));
  if (!valid) {
    throw new Error(`mappings point outside the map on generated line ${cursor.line + 1}`);
  }
}
