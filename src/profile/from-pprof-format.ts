import { SpanprofError } from '../errors.ts';
import { ProfileBuilder } from './builder.ts';
import { guessProfileType } from './guess-type.ts';
import {
  type Labels,
  type LabelValue,
  PERIOD_TYPES,
  type Profile,
  type ProfileHeader,
  type ValueType,
} from './model.ts';

/** What the caller knows better than the profile. */
export interface PprofOverrides extends Partial<ProfileHeader> {
  /**
   * Which value columns to take, by their index in the pprof profile; all by default. With
   * `sampleTypes` this renames and reorders: `columns: [0, 2], sampleTypes: SAMPLE_TYPES.cpu`.
   */
  readonly columns?: readonly number[];
}

/**
 * Maps a profile in the classes of `pprof-format` (what its decoder and `@datadog/pprof` give) onto
 * the model. Throws a `SpanprofError` with code `PROFILE_INVALID` where references dangle or values
 * cannot be counted.
 *
 * - The type is guessed from the names of the values unless given.
 * - The inlined lines of a location become frames of their own; a location without lines, as native
 *   code without symbols has, becomes a frame named after its address; a sample without any location
 *   stands on one frame `(unknown)`.
 * - Of several labels with one key the first counts. Labels without a value and pprof's own are left
 *   out. A number beyond the safe integers becomes text. Units of labels are not kept.
 * - Negative values, as only the difference of two profiles has, are refused.
 */
export function fromPprofFormat(source: PprofLike, overrides: PprofOverrides = {}): Profile {
  const strings = source.stringTable.strings;
  if ((strings[0] ?? '') !== '') throw invalid('its first string is not empty');
  const text = (index: Numeric): string => {
    const found = strings[toInteger(index)] ?? (isZero(index) ? '' : undefined);
    if (found === undefined) throw invalid(`it refers to string ${index} of ${strings.length}`);
    return found;
  };
  const { columns: chosen, ...header } = overrides;
  const columns = chosen ?? source.sampleType.map((_, column) => column);
  const builder = new ProfileBuilder({ ...headerOf(source, text, columns), ...header });
  const framesOf = locationReader(source, text, builder);
  const labelsOf = labelReader(text);
  checkFrameCount(source);

  for (const sample of source.sample) {
    if (sample.value.length !== source.sampleType.length) {
      throw invalid(
        `a sample has ${sample.value.length} values for ${source.sampleType.length} value types`,
      );
    }
    let stack = -1;
    for (let index = sample.locationId.length - 1; index >= 0; index--) {
      for (const frame of framesOf(sample.locationId[index] ?? 0)) {
        stack = builder.stack(stack, frame);
      }
    }
    if (stack < 0) stack = builder.stack(-1, builder.frame(UNKNOWN, '', 0));
    const values = columns.map((column) => toValue(sample.value[column] ?? 0));
    builder.addValues(stack, builder.labelSet(labelsOf(sample.label)), values);
  }
  return builder.build();
}

/** A 64-bit integer as `pprof-format` gives it: a number while it is small, else unsigned and big. */
type Numeric = number | bigint;
type Text = (index: Numeric) => string;

/** What is read of a `pprof-format` profile; its ESM and CommonJS classes both have this shape. */
export interface PprofLike {
  readonly sampleType: readonly TypeLike[];
  /** Gone through twice; may make its items as they are asked for. */
  readonly sample: Iterable<{
    readonly locationId: readonly Numeric[];
    readonly value: readonly Numeric[];
    readonly label: readonly LabelLike[];
  }>;
  readonly mapping: readonly { readonly id: Numeric; readonly filename: Numeric }[];
  readonly location: readonly {
    readonly id: Numeric;
    readonly mappingId: Numeric;
    readonly address: Numeric;
    readonly line: readonly {
      readonly functionId: Numeric;
      readonly line: Numeric;
      readonly column: Numeric;
    }[];
  }[];
  readonly function: readonly {
    readonly id: Numeric;
    readonly name: Numeric;
    readonly systemName: Numeric;
    readonly filename: Numeric;
    readonly startLine: Numeric;
  }[];
  readonly stringTable: { readonly strings: readonly string[] };
  readonly timeNanos: Numeric;
  readonly durationNanos: Numeric;
  readonly periodType?: TypeLike | undefined;
  readonly period: Numeric;
  readonly comment: readonly Numeric[];
  readonly defaultSampleType: Numeric;
}
interface TypeLike {
  readonly type: Numeric;
  readonly unit: Numeric;
}
interface LabelLike {
  readonly key: Numeric;
  readonly str: Numeric;
  readonly num: Numeric;
  readonly numUnit: Numeric;
}

/** The name of a frame about which the profile says nothing. */
const UNKNOWN = '(unknown)';
/**
 * Frames of all samples together. A few locations with many inlined lines, referred to often, are
 * small as bytes and would run for hours here.
 */
const MAX_FRAMES = 20_000_000;
/** Lines and columns above this are not lines; some profilers hide other things in these fields. */
const MAX_LINE = 2 ** 31 - 1;

function headerOf(source: PprofLike, text: Text, columns: readonly number[]): ProfileHeader {
  if (source.sampleType.length === 0) throw invalid('it has no value types');
  const valueType = (type: TypeLike): ValueType => ({
    type: text(type.type),
    unit: text(type.unit),
  });
  const sampleTypes = columns.map((column) => {
    const type = source.sampleType[column];
    if (type === undefined) throw invalid(`it has no value column ${column}`);
    return valueType(type);
  });
  const periodType = source.periodType && valueType(source.periodType);
  const profileType = guessProfileType(sampleTypes, periodType, text(source.defaultSampleType));
  return {
    profileType,
    sampleTypes,
    periodType: periodType?.type ? periodType : PERIOD_TYPES[profileType],
    period: Math.min(Math.max(toInteger(source.period), 0), Number.MAX_SAFE_INTEGER),
    timeNanos: toMoment(source.timeNanos),
    durationNanos: toMoment(source.durationNanos),
    comments: source.comment.map(text),
  };
}

/** Gives the frames of a location, the outermost first, each as an id of the builder. */
function locationReader(
  source: PprofLike,
  text: Text,
  builder: ProfileBuilder,
): (id: Numeric) => readonly number[] {
  const locations = byId(source.location, 'locations');
  const functions = byId(source.function, 'functions');
  const mappings = byId(source.mapping, 'mappings');
  const known = new Map<Numeric, readonly number[]>();
  const read = (id: Numeric): readonly number[] => {
    const location = locations.get(id);
    if (location === undefined)
      throw invalid(`a sample refers to location ${id}, which is missing`);
    if (location.line.length === 0) {
      const file = mappings.get(toId(location.mappingId))?.filename ?? 0;
      const address = BigInt.asUintN(64, BigInt(location.address));
      const name = address === 0n ? UNKNOWN : `0x${address.toString(16)}`;
      return [builder.frame(name, text(file), 0)];
    }
    return location.line.toReversed().map((line) => {
      const found = functions.get(toId(line.functionId));
      if (found === undefined) {
        throw invalid(`location ${id} refers to function ${line.functionId}, which is missing`);
      }
      const name = text(found.name) || text(found.systemName);
      const startLine = toLine(found.startLine);
      return builder.frame(
        name,
        text(found.filename),
        toLine(line.line),
        startLine,
        toLine(line.column),
      );
    });
  };
  return (numericId) => {
    const id = toId(numericId);
    let frames = known.get(id);
    if (frames === undefined) {
      frames = read(id);
      known.set(id, frames);
    }
    return frames;
  };
}

function checkFrameCount(source: PprofLike): void {
  const linesOf = new Map<Numeric, number>();
  for (const { id, line } of source.location) linesOf.set(toId(id), line.length);
  let frames = 0;
  for (const { locationId } of source.sample) {
    for (const id of locationId) frames += linesOf.get(toId(id)) ?? 1;
    if (frames > MAX_FRAMES) throw invalid(`its stacks have more than ${MAX_FRAMES} frames`);
  }
}

function labelReader(text: Text): (labels: readonly LabelLike[]) => Labels {
  return (labels) => {
    const read: Record<string, LabelValue> = Object.create(null);
    for (const { key, str, num, numUnit } of labels) {
      const name = text(key);
      if (read[name] !== undefined) continue;
      if (!isZero(str)) read[name] = text(str);
      else if (!isZero(num) || !isZero(numUnit)) {
        const value = toInteger(num);
        read[name] = Number.isSafeInteger(value) ? value : toBigInt(num).toString();
      }
    }
    return read;
  };
}

function byId<T extends { readonly id: Numeric }>(
  items: readonly T[],
  what: string,
): Map<Numeric, T> {
  const found = new Map<Numeric, T>();
  for (const item of items) {
    const id = toId(item.id);
    if (id === 0) throw invalid(`one of its ${what} has id 0`);
    if (found.has(id)) throw invalid(`two of its ${what} have id ${id}`);
    found.set(id, item);
  }
  return found;
}

function toValue(value: Numeric): number {
  const number = toInteger(value);
  if (number < 0) throw invalid('it has negative values, like the difference of two profiles');
  if (number > Number.MAX_SAFE_INTEGER) throw invalid(`the value ${value} is too large`);
  return number;
}

function toLine(line: Numeric): number {
  const number = toInteger(line);
  return number > 0 && number <= MAX_LINE ? number : 0;
}

function toMoment(nanos: Numeric): bigint {
  const value = toBigInt(nanos);
  return value > 0n ? value : 0n;
}

/** An id in the one form under which a Map finds it again; some profilers use hashes of 64 bits. */
function toId(id: Numeric): Numeric {
  return typeof id === 'bigint' && id <= Number.MAX_SAFE_INTEGER ? Number(id) : id;
}

/** As a signed 64-bit integer; above 2^53 the last digits are lost. */
function toInteger(value: Numeric): number {
  return typeof value === 'number' ? value : Number(BigInt.asIntN(64, value));
}

function toBigInt(value: Numeric): bigint {
  return BigInt.asIntN(64, BigInt(typeof value === 'number' ? Math.trunc(value) : value));
}

function isZero(value: Numeric): boolean {
  return value === 0 || value === 0n;
}

function invalid(reason: string): SpanprofError {
  return new SpanprofError('PROFILE_INVALID', { reason });
}
