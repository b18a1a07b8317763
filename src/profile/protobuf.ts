/**
 * Writes protocol-buffer fields one after another into one buffer that doubles when it is full.
 * Only what `profile.proto` needs: varints, text, and the frames around nested messages, whose
 * byte counts the caller has to know beforehand (`varintBytes` and friends below).
 */
export class ProtobufWriter {
  #bytes: Buffer;
  #position = 0;

  constructor(initialBytes: number) {
    this.#bytes = allocate(Math.max(initialBytes, MAX_VARINT_BYTES));
  }

  /** A safe integer in base 128. Hot: several times per sample, once per frame. */
  varint(value: number): void {
    if (this.#position + MAX_VARINT_BYTES > this.#bytes.length) this.#grow(MAX_VARINT_BYTES);
    if (value < 0 || value > Number.MAX_SAFE_INTEGER) {
      this.bigVarint(BigInt(value));
      return;
    }
    const bytes = this.#bytes;
    let position = this.#position;
    let rest = value;
    while (rest > MAX_INT32) {
      bytes[position++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      bytes[position++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[position++] = rest;
    this.#position = position;
  }

  /** A 64-bit integer in base 128; negative ones in two's complement, as int64 wants them. */
  bigVarint(value: bigint): void {
    if (this.#position + MAX_VARINT_BYTES > this.#bytes.length) this.#grow(MAX_VARINT_BYTES);
    let rest = BigInt.asUintN(64, value);
    while (rest > 127n) {
      this.#bytes[this.#position++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#bytes[this.#position++] = Number(rest);
  }

  /** A field of integer type; left out if 0, which readers take for the same. */
  integer(field: number, value: number): void {
    if (value === 0) return;
    this.varint((field << 3) | VARINT);
    this.varint(value);
  }

  /** The same for 64 bits. */
  bigInteger(field: number, value: bigint): void {
    if (value === 0n) return;
    this.varint((field << 3) | VARINT);
    this.bigVarint(value);
  }

  /** Opens a nested message or a packed list of `byteCount` bytes, which must follow. */
  open(field: number, byteCount: number): void {
    this.varint((field << 3) | LENGTH_DELIMITED);
    this.varint(byteCount);
  }

  /** A field of text, in UTF-8; a half of a surrogate pair becomes U+FFFD. Never left out. */
  text(field: number, value: string): void {
    this.varint((field << 3) | LENGTH_DELIMITED);
    const roomBytes = MAX_VARINT_BYTES + value.length * MAX_UTF8_BYTES_PER_UNIT;
    if (this.#position + roomBytes > this.#bytes.length) this.#grow(roomBytes);
    // The length stands in front, but measuring first would walk the text twice: leave the room that
    // plain ASCII needs, and move the text if that was wrong.
    const expectedAt = this.#position + varintBytes(value.length);
    const byteCount = this.#bytes.write(value, expectedAt, 'utf8');
    const textAt = this.#position + varintBytes(byteCount);
    if (textAt !== expectedAt) {
      this.#bytes.copyWithin(textAt, expectedAt, expectedAt + byteCount);
    }
    this.varint(byteCount);
    this.#position += byteCount;
  }

  /** Bytes already encoded elsewhere, as they are. */
  raw(bytes: Uint8Array): void {
    if (this.#position + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#position);
    this.#position += bytes.length;
  }

  /** Bytes written before, once more. */
  again(start: number, byteCount: number): void {
    if (this.#position + byteCount > this.#bytes.length) this.#grow(byteCount);
    this.#bytes.copyWithin(this.#position, start, start + byteCount);
    this.#position += byteCount;
  }

  /** How many bytes have been written: where the next one will stand. */
  get position(): number {
    return this.#position;
  }

  /** Everything written. Shares memory with the writer, so nothing may be written afterwards. */
  finish(): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset, this.#position);
  }

  #grow(neededBytes: number): void {
    const bytes = allocate(Math.max(this.#bytes.length * 2, this.#position + neededBytes));
    bytes.set(this.#bytes.subarray(0, this.#position));
    this.#bytes = bytes;
  }
}

/** Bytes of a value as a varint, for values that `ProtobufWriter.varint` takes. */
export function varintBytes(value: number): number {
  if (value < 0) return MAX_VARINT_BYTES;
  if (value < 2 ** 7) return 1;
  if (value < 2 ** 14) return 2;
  if (value < 2 ** 21) return 3;
  if (value < 2 ** 28) return 4;
  if (value < 2 ** 35) return 5;
  if (value < 2 ** 42) return 6;
  return value < 2 ** 49 ? 7 : value < 2 ** 56 ? 8 : 9;
}

/** Bytes that `integer` writes: the field's tag (one byte up to field 15) and the value. */
export function integerBytes(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value);
}

/** Bytes of a nested message with its tag and length in front. */
export function messageBytes(byteCount: number): number {
  return 1 + varintBytes(byteCount) + byteCount;
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;
/** 64 bits in groups of seven. */
const MAX_VARINT_BYTES = 10;
/** A UTF-16 unit takes up to three bytes; a pair of them takes four. */
const MAX_UTF8_BYTES_PER_UNIT = 3;
/** Up to here bitwise operators, which work on 32 bits with a sign, are right. */
const MAX_INT32 = 2 ** 31 - 1;

/** Its own memory, outside Node's shared pool: the result may be handed to another thread. */
function allocate(byteCount: number): Buffer {
  return Buffer.allocUnsafeSlow(byteCount);
}
