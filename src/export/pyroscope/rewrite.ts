/**
 * Brings a pprof message into the form in which Pyroscope takes it, without decoding it: sample labels
 * are reduced to those that may leave the process, and a profile beyond the server's limits becomes
 * several. Works on the bytes, in two passes, so that a profile of 6,000 samples costs milliseconds.
 *
 * Expects a message as `encode` writes it; throws on bytes that are none.
 */
import { ProtobufWriter, varintBytes } from '../../profile/protobuf.ts';
import { type Message, readMessage, type StringTable } from './message.ts';
import { pruned } from './prune.ts';
import { forEachField, WireReader } from './wire.ts';

/** What becomes of the labels of one sample. */
export interface LabelRules {
  /** Keys that are kept, and what they are called at the destination. */
  readonly keep: ReadonlyMap<string, string>;
  /** Of the keys that get the same name the first counts. Values that it refuses are left out. */
  readonly accepts: (name: string, value: string) => boolean;
  /** Longer values are cut, in bytes of UTF-8. */
  readonly maxValueBytes: number;
}

export interface SizeLimits {
  readonly maxSamples: number;
  /** Uncompressed. */
  readonly maxBytes: number;
}

/** One or more uncompressed pprof messages; their samples together are those of the profile. */
export function rewrite(pprof: Uint8Array, rules: LabelRules, limits: SizeLimits): Uint8Array[] {
  const message = readMessage(pprof);
  const samples = relabelled(message, rules);
  return split(message, samples, limits);
}

/** The samples as they are to be sent, each with its tag and length. */
function relabelled(message: Message, rules: LabelRules): Uint8Array[] {
  const { bytes, strings } = message;
  const labels = new LabelRewriter(strings, rules);
  const reader = new WireReader(bytes);
  return message.samples.map(({ start, end }) => {
    const kept: Uint8Array[] = [];
    let length = 0;
    labels.begin();
    forEachField(reader, start, end, (field, fieldStart, contentStart, contentEnd) => {
      if (field === SAMPLE_LABEL) {
        labels.take(reader, contentStart, contentEnd);
      } else {
        const part = bytes.subarray(fieldStart, contentEnd);
        kept.push(part);
        length += part.length;
      }
    });
    const labelBytes = labels.finish();
    const writer = new ProtobufWriter(length + labelBytes.length + HEADER_BYTES);
    writer.open(PROFILE_SAMPLE, length + labelBytes.length);
    for (const part of kept) writer.raw(part);
    writer.raw(labelBytes);
    return writer.finish();
  });
}

/** Collects the labels of one sample after another. */
class LabelRewriter {
  readonly #strings: StringTable;
  readonly #rules: LabelRules;
  /** Index of a key in the profile → rank and index of its name; rank is the place in `keep`. */
  readonly #names = new Map<number, { rank: number; name: string; index: number }>();
  /** Of one sample: index of the name → rank and index of the value. */
  readonly #current = new Map<number, { rank: number; value: number }>();
  /** (name, value) as they came → index of the value to send, 0 for none. */
  readonly #values = new Map<string, number>();

  constructor(strings: StringTable, rules: LabelRules) {
    this.#strings = strings;
    this.#rules = rules;
    let rank = 0;
    for (const [key, name] of rules.keep) {
      const keyIndex = strings.find(key);
      if (keyIndex !== undefined) {
        this.#names.set(keyIndex, { rank, name, index: strings.indexOf(name) });
      }
      rank += 1;
    }
  }

  begin(): void {
    this.#current.clear();
  }

  take(reader: WireReader, start: number, end: number): void {
    let key = 0;
    let text = 0;
    forEachField(reader, start, end, (field, _, __, ___, value) => {
      if (field === LABEL_KEY) key = value;
      else if (field === LABEL_TEXT) text = value;
    });
    const known = this.#names.get(key);
    if (known === undefined || text === 0) return;
    const present = this.#current.get(known.index);
    if (present !== undefined && present.rank <= known.rank) return;
    const value = this.#valueOf(known.name, known.index, text);
    if (value !== 0) this.#current.set(known.index, { rank: known.rank, value });
  }

  finish(): Uint8Array {
    const writer = new ProtobufWriter(this.#current.size * BYTES_PER_LABEL);
    for (const [key, { value }] of this.#current) {
      writer.open(SAMPLE_LABEL, 2 + varintBytes(key) + varintBytes(value));
      writer.integer(LABEL_KEY, key);
      writer.integer(LABEL_TEXT, value);
    }
    return writer.finish();
  }

  #valueOf(name: string, nameIndex: number, text: number): number {
    const known = `${nameIndex} ${text}`;
    let index = this.#values.get(known);
    if (index === undefined) {
      const whole = this.#strings.textOf(text);
      const value = cut(whole, this.#rules.maxValueBytes);
      if (!this.#rules.accepts(name, value)) index = 0;
      else index = value === whole ? text : this.#strings.indexOf(value);
      this.#values.set(known, index);
    }
    return index;
  }
}

/** Cuts text to at most `maxBytes` of UTF-8, between characters. */
export function cut(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const bytes = Buffer.from(text).subarray(0, maxBytes);
  return new TextDecoder().decode(bytes, { stream: true });
}

/** Whole if it fits; otherwise halves, until each fits or is a single sample. */
function split(message: Message, samples: Uint8Array[], limits: SizeLimits): Uint8Array[] {
  const isOne = samples.length <= limits.maxSamples;
  if (isOne) {
    const whole = message.write(samples);
    if (whole.length <= limits.maxBytes) return [whole];
  }
  const parts: Uint8Array[] = [];
  const divide = (some: Uint8Array[]): void => {
    if (some.length <= limits.maxSamples) {
      const part = pruned(message, some, parts.length);
      if (part.length <= limits.maxBytes || some.length === 1) {
        parts.push(part);
        return;
      }
    }
    const middle = Math.ceil(some.length / 2);
    divide(some.slice(0, middle));
    divide(some.slice(middle));
  };
  divide(samples);
  return parts;
}

/** Fields of `profile.proto`. */
const PROFILE_SAMPLE = 2;
const SAMPLE_LABEL = 3;
const LABEL_KEY = 1;
const LABEL_TEXT = 2;
/** A tag and the longest length. */
const HEADER_BYTES = 12;
const BYTES_PER_LABEL = 16;
