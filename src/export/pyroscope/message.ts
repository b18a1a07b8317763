/** The top level of a pprof message, taken apart by position. */
import { ProtobufWriter } from '../../profile/protobuf.ts';
import { forEachField, WireReader } from './wire.ts';

/** Where the content of a field lies. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A field of the top level, tag and length included. */
export interface Part extends Range {
  readonly field: number;
  readonly contentStart: number;
  readonly value: number;
}

/** Field numbers of `Profile` in `profile.proto`. */
export const PROFILE = {
  sampleType: 1,
  sample: 2,
  mapping: 3,
  location: 4,
  function: 5,
  text: 6,
  dropFrames: 7,
  keepFrames: 8,
  timeNanos: 9,
  periodType: 11,
  comment: 13,
  defaultSampleType: 14,
} as const;

export interface Message {
  readonly bytes: Uint8Array;
  readonly samples: readonly Range[];
  /** Everything but samples and strings, in order. */
  readonly rest: readonly Part[];
  readonly strings: StringTable;
  /** The message with other samples. */
  write(samples: readonly Uint8Array[]): Uint8Array;
}

export function readMessage(bytes: Uint8Array): Message {
  const samples: Range[] = [];
  const rest: Part[] = [];
  const texts: Range[] = [];
  const reader = new WireReader(bytes);
  forEachField(reader, 0, bytes.length, (field, start, contentStart, end, value) => {
    if (field === PROFILE.sample) samples.push({ start: contentStart, end });
    else if (field === PROFILE.text) texts.push({ start: contentStart, end });
    else rest.push({ field, start, contentStart, end, value });
  });
  const strings = new StringTable(bytes, texts);
  const write = (newSamples: readonly Uint8Array[]): Uint8Array => {
    const writer = new ProtobufWriter(bytes.length);
    for (const sample of newSamples) writer.raw(sample);
    for (const { start, end } of rest) writer.raw(bytes.subarray(start, end));
    strings.write(writer);
    return writer.finish();
  };
  return { bytes, samples, rest, strings, write };
}

/** The strings of a profile, and those that are added. */
export class StringTable {
  readonly #bytes: Uint8Array;
  readonly #texts: readonly Range[];
  readonly #added: string[] = [];
  readonly #indexes = new Map<string, number>();

  constructor(bytes: Uint8Array, texts: readonly Range[]) {
    this.#bytes = bytes;
    this.#texts = texts;
  }

  get size(): number {
    return this.#texts.length + this.#added.length;
  }

  /** Index of a string; undefined if the profile has none such. */
  find(text: string): number | undefined {
    const known = this.#indexes.get(text);
    if (known !== undefined) return known;
    const wanted = Buffer.from(text);
    const index = this.#texts.findIndex(
      ({ start, end }) =>
        end - start === wanted.length && wanted.equals(this.#bytes.subarray(start, end)),
    );
    if (index < 0) return undefined;
    this.#indexes.set(text, index);
    return index;
  }

  /** The same; adds the string where it is missing. */
  indexOf(text: string): number {
    const found = this.find(text);
    if (found !== undefined) return found;
    const index = this.#texts.length + this.#added.push(text) - 1;
    this.#indexes.set(text, index);
    return index;
  }

  textOf(index: number): string {
    const range = this.#texts[index];
    if (range === undefined) return this.#added[index - this.#texts.length] ?? '';
    const { buffer, byteOffset } = this.#bytes;
    return Buffer.from(buffer, byteOffset + range.start, range.end - range.start).toString();
  }

  /** Writes the table; strings that are not `used` become empty, so that all keep their index. */
  write(writer: ProtobufWriter, used?: ReadonlySet<number>): void {
    for (const [index, { start, end }] of this.#texts.entries()) {
      const isUsed = used === undefined || used.has(index);
      writer.open(PROFILE.text, isUsed ? end - start : 0);
      if (isUsed) writer.raw(this.#bytes.subarray(start, end));
    }
    for (const [index, text] of this.#added.entries()) {
      const isUsed = used === undefined || used.has(this.#texts.length + index);
      writer.text(PROFILE.text, isUsed ? text : '');
    }
  }
}
