import { unitOfLabel } from './label-units.ts';
import type { Labels, LabelValue, Profile, ValueType } from './model.ts';
import { integerBytes, messageBytes, ProtobufWriter, varintBytes } from './protobuf.ts';

/**
 * Writes a profile as an uncompressed pprof message (`profile.proto`), for compression by the caller.
 * Hot: runs on the application's thread once per window; makes no object per sample.
 *
 * Expects what `validate` accepts. Ids are index + 1, since pprof reserves 0. Every location belongs
 * to one mapping that says "symbolised already", without which `go tool pprof` looks for a binary.
 * The last value type is the default one, which is also what readers assume where none is given.
 */
export function encode(profile: Profile): Uint8Array {
  const stackBytes = packedStackBytes(profile);
  const writer = new ProtobufWriter(INITIAL_BYTES + estimatedSampleBytes(profile, stackBytes));
  const strings = new StringTable();
  for (const type of profile.sampleTypes) {
    writeValueType(writer, PROFILE.sampleType, type, strings);
  }
  writeSamples(writer, profile, stackBytes, encodeLabelSets(profile.labelSets, strings));
  writeMapping(writer);
  writeLocations(writer, profile);
  writeFunctions(writer, profile, strings);
  writeValueType(writer, PROFILE.periodType, profile.periodType, strings);
  writer.bigInteger(PROFILE.timeNanos, profile.timeNanos);
  writer.bigInteger(PROFILE.durationNanos, profile.durationNanos);
  writer.integer(PROFILE.period, profile.period);
  writeComments(writer, profile.comments, strings);
  const defaultType = profile.sampleTypes.at(-1)?.type ?? '';
  writer.integer(PROFILE.defaultSampleType, strings.indexOf(defaultType));
  // Last, because everything above adds to it.
  for (const text of strings.texts) writer.text(PROFILE.stringTable, text);
  return writer.finish();
}

function writeSamples(
  writer: ProtobufWriter,
  profile: Profile,
  stackBytes: Uint32Array,
  labelSets: readonly Uint8Array[],
): void {
  const { parent, location } = profile.stacks;
  const { stack: stacks, labelSet, values } = profile.samples;
  /** Where the bytes of a stack begin; 0, which the sample types take, if not written yet. */
  const writtenAt = new Uint32Array(location.length);
  for (let sample = 0; sample < stacks.length; sample++) {
    const leaf = stacks[sample] ?? 0;
    const locationBytes = stackBytes[leaf] ?? 0;
    let valueBytes = 0;
    for (let column = 0; column < values.length; column++) {
      valueBytes += varintBytes(values[column]?.[sample] ?? 0);
    }
    const labels = labelSets[labelSet[sample] ?? 0] ?? NO_BYTES;
    writer.open(
      PROFILE.sample,
      messageBytes(locationBytes) + messageBytes(valueBytes) + labels.length,
    );
    writer.open(SAMPLE.locationId, locationBytes);
    // Leaf first, a stack's bytes end with its caller's: what stands in the buffer is copied.
    for (let stack = leaf; stack >= 0; stack = parent[stack] ?? -1) {
      const earlier = writtenAt[stack] ?? 0;
      if (earlier > 0) {
        writer.again(earlier, stackBytes[stack] ?? 0);
        break;
      }
      writtenAt[stack] = writer.position;
      writer.varint((location[stack] ?? 0) + 1);
    }
    writer.open(SAMPLE.value, valueBytes);
    for (let column = 0; column < values.length; column++) {
      writer.varint(values[column]?.[sample] ?? 0);
    }
    writer.raw(labels);
  }
}

/** Per stack, the bytes of its location ids; a parent stands before its children, so one pass does. */
function packedStackBytes(profile: Profile): Uint32Array {
  const { parent, location } = profile.stacks;
  const byteCounts = new Uint32Array(location.length);
  for (let stack = 0; stack < location.length; stack++) {
    const caller = parent[stack] ?? -1;
    const above = caller < 0 ? 0 : (byteCounts[caller] ?? 0);
    byteCounts[stack] = above + varintBytes((location[stack] ?? 0) + 1);
  }
  return byteCounts;
}

/** What the samples will about take, so that the buffer seldom has to double. */
function estimatedSampleBytes(profile: Profile, stackBytes: Uint32Array): number {
  let byteCount = profile.samples.stack.length * BYTES_BESIDE_STACK;
  for (const stack of profile.samples.stack) byteCount += stackBytes[stack] ?? 0;
  return byteCount;
}

/** The label fields of each set, ready to be copied into every sample that bears it. */
function encodeLabelSets(sets: readonly Labels[], strings: StringTable): Uint8Array[] {
  const writer = new ProtobufWriter(sets.length * BYTES_PER_LABEL_SET);
  const ends = sets.map((labels) => {
    for (const key of Object.keys(labels)) writeLabel(writer, key, labels[key] ?? '', strings);
    return writer.position;
  });
  const bytes = writer.finish();
  return ends.map((end, set) => bytes.subarray(ends[set - 1] ?? 0, end));
}

function writeLabel(
  writer: ProtobufWriter,
  key: string,
  value: LabelValue,
  strings: StringTable,
): void {
  const isNumber = typeof value === 'number';
  const keyIndex = strings.indexOf(key);
  const text = isNumber ? 0 : strings.indexOf(value);
  const number = isNumber ? value : 0;
  const unit = isNumber ? strings.indexOf(unitOfLabel(key)) : 0;
  writer.open(
    SAMPLE.label,
    integerBytes(keyIndex) + integerBytes(text) + integerBytes(number) + integerBytes(unit),
  );
  writer.integer(LABEL.key, keyIndex);
  writer.integer(LABEL.text, text);
  writer.integer(LABEL.number, number);
  writer.integer(LABEL.numberUnit, unit);
}

function writeMapping(writer: ProtobufWriter): void {
  writer.open(PROFILE.mapping, 4 * integerBytes(1));
  writer.integer(MAPPING.id, MAPPING_ID);
  writer.integer(MAPPING.hasFunctions, 1);
  writer.integer(MAPPING.hasFilenames, 1);
  writer.integer(MAPPING.hasLineNumbers, 1);
}

function writeLocations(writer: ProtobufWriter, profile: Profile): void {
  const { function: functions, line: lines, column: columns } = profile.locations;
  for (let index = 0; index < functions.length; index++) {
    const id = index + 1;
    const functionId = (functions[index] ?? 0) + 1;
    const line = lines[index] ?? 0;
    const column = columns[index] ?? 0;
    const lineBytes = integerBytes(functionId) + integerBytes(line) + integerBytes(column);
    writer.open(
      PROFILE.location,
      integerBytes(id) + integerBytes(MAPPING_ID) + messageBytes(lineBytes),
    );
    writer.integer(LOCATION.id, id);
    writer.integer(LOCATION.mappingId, MAPPING_ID);
    writer.open(LOCATION.line, lineBytes);
    writer.integer(LINE.functionId, functionId);
    writer.integer(LINE.line, line);
    writer.integer(LINE.column, column);
  }
}

function writeFunctions(writer: ProtobufWriter, profile: Profile, strings: StringTable): void {
  const { name: names, file: files, startLine: startLines } = profile.functions;
  for (let index = 0; index < names.length; index++) {
    const id = index + 1;
    const name = strings.indexOf(names[index] ?? '');
    const file = strings.indexOf(files[index] ?? '');
    const startLine = startLines[index] ?? 0;
    writer.open(
      PROFILE.function,
      integerBytes(id) + 2 * integerBytes(name) + integerBytes(file) + integerBytes(startLine),
    );
    writer.integer(FUNCTION.id, id);
    writer.integer(FUNCTION.name, name);
    writer.integer(FUNCTION.systemName, name);
    writer.integer(FUNCTION.filename, file);
    writer.integer(FUNCTION.startLine, startLine);
  }
}

function writeValueType(
  writer: ProtobufWriter,
  field: number,
  valueType: ValueType,
  strings: StringTable,
): void {
  const type = strings.indexOf(valueType.type);
  const unit = strings.indexOf(valueType.unit);
  writer.open(field, integerBytes(type) + integerBytes(unit));
  writer.integer(VALUE_TYPE.type, type);
  writer.integer(VALUE_TYPE.unit, unit);
}

function writeComments(
  writer: ProtobufWriter,
  comments: readonly string[],
  strings: StringTable,
): void {
  if (comments.length === 0) return;
  const indexes = comments.map((comment) => strings.indexOf(comment));
  writer.open(
    PROFILE.comment,
    indexes.reduce((sum, index) => sum + varintBytes(index), 0),
  );
  for (const index of indexes) writer.varint(index);
}

/** Every text of the profile once; index 0 is '', as pprof demands. */
class StringTable {
  readonly texts: string[] = [''];
  readonly #indexes = new Map<string, number>([['', 0]]);

  indexOf(text: string): number {
    let index = this.#indexes.get(text);
    if (index === undefined) {
      index = this.texts.push(text) - 1;
      this.#indexes.set(text, index);
    }
    return index;
  }
}

const NO_BYTES = new Uint8Array(0);
const MAPPING_ID = 1;
/** Room for the tables of a small profile. */
const INITIAL_BYTES = 64 * 1024;
/** Frame of the message, two values and four labels; too low only means that the buffer doubles. */
const BYTES_BESIDE_STACK = 48;
/** Eight labels of tag, length and two indexes; too low only means that the buffer doubles. */
const BYTES_PER_LABEL_SET = 64;

/** Field numbers of `profile.proto`, message by message. */
const PROFILE = {
  sampleType: 1,
  sample: 2,
  mapping: 3,
  location: 4,
  function: 5,
  stringTable: 6,
  timeNanos: 9,
  durationNanos: 10,
  periodType: 11,
  period: 12,
  comment: 13,
  defaultSampleType: 14,
} as const;
const VALUE_TYPE = { type: 1, unit: 2 } as const;
const SAMPLE = { locationId: 1, value: 2, label: 3 } as const;
const LABEL = { key: 1, text: 2, number: 3, numberUnit: 4 } as const;
const MAPPING = { id: 1, hasFunctions: 7, hasFilenames: 8, hasLineNumbers: 9 } as const;
const LOCATION = { id: 1, mappingId: 2, line: 4 } as const;
const LINE = { functionId: 1, line: 2, column: 3 } as const;
const FUNCTION = { id: 1, name: 2, systemName: 3, filename: 4, startLine: 5 } as const;
