/**
 * Reads the samples of a pprof message one after another. They are most of a large profile, and as
 * objects all at once they take many times their size in memory.
 */
import type { PprofLike } from './from-pprof-format.ts';

type Sample = PprofLike['sample'] extends Iterable<infer Item> ? Item : never;
type Label = Sample['label'][number];
type Numeric = number | bigint;

const SAMPLE = 2;
const VARINT = 0;

/** The message without its samples, for a decoder that makes objects, and the samples one by one. */
export interface SplitMessage {
  readonly rest: Uint8Array;
  /** May be gone through any number of times. What it gives is new each time. */
  readonly samples: Iterable<Sample>;
}

/** Splits a message that `checkWire` found sound; reads garbage, but ends, for any other. */
export function splitSamples(message: Uint8Array): SplitMessage {
  /** Start and end of each sample's content. */
  const spans: number[] = [];
  const rest: Uint8Array[] = [];
  const reader = new Reader(message, 0, message.length);
  let restFrom = 0;
  while (reader.hasMore()) {
    const start = reader.at;
    const tag = reader.small();
    if (tag >> 3 !== SAMPLE) {
      reader.skip(tag);
      continue;
    }
    const length = reader.small();
    spans.push(reader.at, Math.min(reader.at + length, message.length));
    rest.push(message.subarray(restFrom, start));
    reader.at += length;
    restFrom = reader.at;
  }
  rest.push(message.subarray(restFrom));
  return {
    rest: Buffer.concat(rest),
    samples: {
      *[Symbol.iterator]() {
        for (let index = 0; index < spans.length; index += 2) {
          yield readSample(new Reader(message, spans[index] ?? 0, spans[index + 1] ?? 0));
        }
      },
    },
  };
}

function readSample(reader: Reader): Sample {
  const locationId: Numeric[] = [];
  const value: Numeric[] = [];
  const label: Label[] = [];
  while (reader.hasMore()) {
    const tag = reader.small();
    const field = tag >> 3;
    if (field === 1) reader.integers(tag, locationId);
    else if (field === 2) reader.integers(tag, value);
    else if (field === 3) label.push(readLabel(reader.message()));
    else reader.skip(tag);
  }
  return { locationId, value, label };
}

function readLabel(reader: Reader): Label {
  const label = { key: 0 as Numeric, str: 0 as Numeric, num: 0 as Numeric, numUnit: 0 as Numeric };
  while (reader.hasMore()) {
    const tag = reader.small();
    const field = tag >> 3;
    if (field === 1) label.key = reader.integer();
    else if (field === 2) label.str = reader.integer();
    else if (field === 3) label.num = reader.integer();
    else if (field === 4) label.numUnit = reader.integer();
    else reader.skip(tag);
  }
  return label;
}

class Reader {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #end: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.at = start;
    this.#end = end;
  }

  hasMore(): boolean {
    return this.at < this.#end;
  }

  /** A tag or a length, which are below 2^53. */
  small(): number {
    let value = 0;
    let scale = 1;
    while (this.at < this.#end) {
      const byte = this.#bytes[this.at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) break;
      scale *= 128;
    }
    return value;
  }

  /** A 64-bit integer: a number where that is exact, else unsigned and big, as `pprof-format` has it. */
  integer(): Numeric {
    const start = this.at;
    const value = this.small();
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    let exact = 0n;
    for (let at = this.at - 1; at >= start; at--) {
      exact = exact * 128n + BigInt((this.#bytes[at] ?? 0) & 127);
    }
    return BigInt.asUintN(64, exact);
  }

  /** A field of integers, packed or one by one. */
  integers(tag: number, into: Numeric[]): void {
    if ((tag & 7) === VARINT) {
      into.push(this.integer());
      return;
    }
    const inner = this.message();
    while (inner.hasMore()) into.push(inner.integer());
    this.at = inner.at;
  }

  /** The content of a length-delimited field, which is then behind us. */
  message(): Reader {
    const length = this.small();
    const start = this.at;
    this.at += length;
    return new Reader(this.#bytes, start, Math.min(this.at, this.#end));
  }

  skip(tag: number): void {
    const value = this.small();
    if ((tag & 7) !== VARINT) this.at += value;
  }
}
