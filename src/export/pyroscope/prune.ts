/** A part of a profile with no more than the tables it needs. Ids and indexes stay as they are. */
import { ProtobufWriter } from '../../profile/protobuf.ts';
import { type Message, type Part, PROFILE } from './message.ts';
import { bigVarint, forEachField, forEachNumber, WireReader } from './wire.ts';

/** Fields of the nested messages of `profile.proto`. */
const ID = 1;
const SAMPLE = { locationId: 1, label: 3 };
const LABEL_TEXTS = [1, 2, 4];
const LOCATION = { line: 4 };
const LINE = { functionId: 1 };
const FUNCTION_TEXTS = [2, 3, 4];
const MAPPING_TEXTS = [5, 6];
const VALUE_TYPE_TEXTS = [1, 2];
const WRITTEN_APART: ReadonlySet<number> = new Set([
  PROFILE.location,
  PROFILE.function,
  PROFILE.timeNanos,
]);
/** Room for tags and the fields of the profile as a whole. */
const INITIAL_BYTES = 4096;

/**
 * Pyroscope 1 takes two profiles of one series and one millisecond for the same profile that came
 * twice, and shows only the first. (That is also why a profile that is sent again does no harm there.)
 */
const PART_DISTANCE_NANOS = 1_000_000n;

/**
 * The message with these samples, written as `Message.write` wants them; every part of a profile
 * begins a millisecond later than the one before.
 */
export function pruned(
  message: Message,
  samples: readonly Uint8Array[],
  partIndex: number,
): Uint8Array {
  const { bytes, rest } = message;
  const texts = new Set([0]);
  const locations = usedBySamples(samples, texts);
  const reader = new WireReader(bytes);
  const functions = new Set<number>();
  const ofLocations = rest.filter(
    (part) => part.field === PROFILE.location && isUsedLocation(reader, part, locations, functions),
  );
  const ofFunctions = rest.filter(
    (part) => part.field === PROFILE.function && isUsedFunction(reader, part, functions, texts),
  );
  const others = rest.filter(({ field }) => !WRITTEN_APART.has(field));
  const time = rest.find(({ field }) => field === PROFILE.timeNanos);
  for (const part of others) addTextsOf(reader, part, texts);

  const writer = new ProtobufWriter(INITIAL_BYTES + samples.reduce((n, s) => n + s.length, 0));
  for (const sample of samples) writer.raw(sample);
  for (const { start, end } of [...others, ...ofLocations, ...ofFunctions]) {
    writer.raw(bytes.subarray(start, end));
  }
  if (time !== undefined) {
    const timeNanos = bigVarint(bytes, time.contentStart);
    writer.bigInteger(PROFILE.timeNanos, timeNanos + BigInt(partIndex) * PART_DISTANCE_NANOS);
  }
  message.strings.write(writer, texts);
  return writer.finish();
}

function usedBySamples(samples: readonly Uint8Array[], texts: Set<number>): Set<number> {
  const locations = new Set<number>();
  for (const sample of samples) {
    const reader = new WireReader(sample);
    forEachField(reader, 0, sample.length, (_, __, contentStart, contentEnd) => {
      forEachField(reader, contentStart, contentEnd, (field, _start, from, to, value) => {
        if (field === SAMPLE.locationId) {
          forEachNumber(reader, from, to, value === 0, value, (id) => locations.add(id));
        } else if (field === SAMPLE.label) {
          addFields(reader, from, to, LABEL_TEXTS, texts);
        }
      });
    });
  }
  return locations;
}

function isUsedLocation(
  reader: WireReader,
  { contentStart, end }: Part,
  locations: ReadonlySet<number>,
  functions: Set<number>,
): boolean {
  let isUsed = false;
  forEachField(reader, contentStart, end, (field, _, from, to, value) => {
    if (field === ID) isUsed = locations.has(value);
    else if (field === LOCATION.line && isUsed) {
      addFields(reader, from, to, [LINE.functionId], functions);
    }
  });
  return isUsed;
}

function isUsedFunction(
  reader: WireReader,
  { contentStart, end }: Part,
  functions: ReadonlySet<number>,
  texts: Set<number>,
): boolean {
  let isUsed = false;
  forEachField(reader, contentStart, end, (field, _, __, ___, value) => {
    if (field === ID) isUsed = functions.has(value);
  });
  if (isUsed) addFields(reader, contentStart, end, FUNCTION_TEXTS, texts);
  return isUsed;
}

function addTextsOf(reader: WireReader, part: Part, texts: Set<number>): void {
  const { field, contentStart, end, value } = part;
  if (field === PROFILE.mapping) addFields(reader, contentStart, end, MAPPING_TEXTS, texts);
  else if (field === PROFILE.sampleType || field === PROFILE.periodType) {
    addFields(reader, contentStart, end, VALUE_TYPE_TEXTS, texts);
  } else if (field === PROFILE.comment) {
    forEachNumber(reader, contentStart, end, value === 0, value, (text) => texts.add(text));
  } else if (
    field === PROFILE.dropFrames ||
    field === PROFILE.keepFrames ||
    field === PROFILE.defaultSampleType
  ) {
    texts.add(value);
  }
}

function addFields(
  reader: WireReader,
  start: number,
  end: number,
  wanted: readonly number[],
  found: Set<number>,
): void {
  forEachField(reader, start, end, (field, _, __, ___, value) => {
    if (wanted.includes(field)) found.add(value);
  });
}
