/** Reading protocol-buffer fields where they lie. */

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** Reads varints one after another. */
export class WireReader {
  readonly bytes: Uint8Array;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Exact up to 2^53; what is larger is only skipped here, never used. */
  varint(): number {
    const { bytes } = this;
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[this.position++];
      if (byte === undefined) throw new Error('a number is cut off');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }
}

/** A varint of up to 64 bits. */
export function bigVarint(bytes: Uint8Array, start: number): bigint {
  let value = 0n;
  for (let at = start, shift = 0n; ; at += 1, shift += 7n) {
    const byte = bytes[at] ?? 0;
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return value;
  }
}

/** Told of each field: where it begins, where its content begins and ends; the number, if it is one. */
type OnField = (
  field: number,
  fieldStart: number,
  contentStart: number,
  contentEnd: number,
  value: number,
) => void;

/** Goes through the fields of the message between `start` and `end`. */
export function forEachField(
  reader: WireReader,
  start: number,
  end: number,
  onField: OnField,
): void {
  let at = start;
  while (at < end) {
    reader.position = at;
    const tag = reader.varint();
    const wireType = tag & 7;
    let contentStart = reader.position;
    let value = 0;
    let contentEnd: number;
    if (wireType === VARINT) {
      value = reader.varint();
      contentEnd = reader.position;
    } else if (wireType === LENGTH_DELIMITED) {
      const length = reader.varint();
      contentStart = reader.position;
      contentEnd = contentStart + length;
    } else if (wireType === FIXED64 || wireType === FIXED32) {
      contentEnd = contentStart + (wireType === FIXED64 ? 8 : 4);
    } else {
      throw new Error(`wire type ${wireType}`);
    }
    if (contentEnd > end) throw new Error('a field is cut off');
    onField(Math.floor(tag / 8), at, contentStart, contentEnd, value);
    at = contentEnd;
  }
}

/** Goes through a list of numbers, packed or not: `value` is that of the field, if it is a number. */
export function forEachNumber(
  reader: WireReader,
  contentStart: number,
  contentEnd: number,
  isPacked: boolean,
  value: number,
  onNumber: (value: number) => void,
): void {
  if (!isPacked) {
    onNumber(value);
    return;
  }
  reader.position = contentStart;
  while (reader.position < contentEnd) onNumber(reader.varint());
}
