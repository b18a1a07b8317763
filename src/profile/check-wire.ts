/**
 * Reads through the bytes of an uncompressed pprof message without building anything, and says what
 * is wrong with them. Run before the real decoder, which trusts its input: it takes a cut-off field
 * for a short one, spends quadratic time on an endless varint, and makes an object of every message.
 */
export function checkWire(bytes: Uint8Array, limits: WireLimits): string | undefined {
  const budget = { messages: limits.messages, integers: limits.integers };
  return checkMessage(bytes, 0, bytes.length, PROFILE, budget);
}

/** How much there may be in one profile. */
export interface WireLimits {
  /** Nested messages: samples, labels, locations, lines, functions, and texts. */
  readonly messages: number;
  /** Integers in lists: location ids and values. */
  readonly integers: number;
}

/** What a field holds: text, a list of integers, or a message of the given shape; others are integers. */
type FieldKind = 'text' | 'integers' | Shape;
interface Shape {
  readonly name: string;
  /** Indexed by field number. A field not listed must be an integer or is skipped. */
  readonly fields: ReadonlyMap<number, FieldKind>;
}

const shape = (name: string, fields: readonly (readonly [number, FieldKind])[] = []): Shape => ({
  name,
  fields: new Map(fields),
});
const VALUE_TYPE = shape('value type');
const PROFILE = shape('profile', [
  [1, VALUE_TYPE],
  [
    2,
    shape('sample', [
      [1, 'integers'],
      [2, 'integers'],
      [3, shape('label')],
    ]),
  ],
  [3, shape('mapping')],
  [4, shape('location', [[4, shape('line')]])],
  [5, shape('function')],
  [6, 'text'],
  [11, VALUE_TYPE],
  [13, 'integers'],
]);

const VARINT = 0;
const LENGTH_DELIMITED = 2;
/** The decoder reads a tag from one byte: four bits of field number, three of wire type. */
const MAX_TAG = 0x7f;
/** 64 bits in groups of seven. */
const MAX_VARINT_BYTES = 10;

interface Budget {
  messages: number;
  integers: number;
}

/** Checks bytes `start` to `end` as one message; the first thing wrong, or undefined. */
function checkMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  { name, fields }: Shape,
  budget: Budget,
): string | undefined {
  let at = start;
  while (at < end) {
    const tag = bytes[at++] ?? 0;
    const field = tag >> 3;
    const wireType = tag & 7;
    if (tag > MAX_TAG) return `a ${name} has a field that profile.proto does not know`;
    const kind = fields.get(field);
    const valueBytes = varintBytesAt(bytes, at, end);
    if (valueBytes === 0) return `a ${name} is cut off in field ${field}`;
    if (wireType === VARINT) {
      if (kind !== undefined && kind !== 'integers') {
        return `field ${field} of a ${name} is an integer`;
      }
      if (kind === 'integers' && --budget.integers < 0) return TOO_LARGE;
      at += valueBytes;
      continue;
    }
    if (wireType !== LENGTH_DELIMITED) return `a ${name} has a field of wire type ${wireType}`;
    const fieldStart = at + valueBytes;
    const fieldEnd = fieldStart + varintAt(bytes, at, valueBytes);
    if (fieldEnd > end) return `a ${name} is cut off in field ${field}`;
    const problem = checkContent(bytes, fieldStart, fieldEnd, kind, budget);
    if (problem !== undefined) return problem;
    at = fieldEnd;
  }
  return undefined;
}

/** Checks the content of a length-delimited field. */
function checkContent(
  bytes: Uint8Array,
  start: number,
  end: number,
  kind: FieldKind | undefined,
  budget: Budget,
): string | undefined {
  if (kind === undefined) return undefined;
  if (kind !== 'integers') {
    if (--budget.messages < 0) return TOO_LARGE;
    return kind === 'text' ? undefined : checkMessage(bytes, start, end, kind, budget);
  }
  for (let at = start; at < end; ) {
    const valueBytes = varintBytesAt(bytes, at, end);
    if (valueBytes === 0) return 'a list of integers is cut off';
    if (--budget.integers < 0) return TOO_LARGE;
    at += valueBytes;
  }
  return undefined;
}

const TOO_LARGE = 'it holds more than a profile can be expected to hold';

/** How many bytes the varint at `at` takes; 0 if it does not end before `end` or is too long. */
function varintBytesAt(bytes: Uint8Array, at: number, end: number): number {
  const limit = Math.min(end, at + MAX_VARINT_BYTES);
  for (let index = at; index < limit; index++) {
    if ((bytes[index] ?? 0) < 128) return index - at + 1;
  }
  return 0;
}

function varintAt(bytes: Uint8Array, at: number, byteCount: number): number {
  let value = 0;
  for (let index = byteCount - 1; index >= 0; index--) {
    value = value * 128 + ((bytes[at + index] ?? 0) & 127);
  }
  return value;
}
