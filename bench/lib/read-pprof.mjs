/** Samples of any producer's profile, with names instead of indexes. */
import { gunzipSync } from 'node:zlib';
import { Profile } from 'pprof-format';

/**
 * @param {Uint8Array} bytes pprof, compressed or not
 * Stacks are leaf first; `count` is the first value.
 */
export function readSamples(bytes) {
  const profile = Profile.decode(bytes[0] === 0x1f ? gunzipSync(bytes) : bytes);
  const { strings } = profile.stringTable;
  const text = (/** @type {unknown} */ index) => strings[Number(index)] ?? '';
  const functions = new Map(profile.function.map((one) => [Number(one.id), text(one.name)]));
  const locations = new Map(
    profile.location.map((one) => [
      Number(one.id),
      one.line.map((line) => functions.get(Number(line.functionId)) ?? ''),
    ]),
  );
  const types = profile.sampleType.map(({ type }) => text(type));
  const samples = profile.sample.map((sample) => ({
    stack: sample.locationId.flatMap((id) => locations.get(Number(id)) ?? []),
    labels: Object.fromEntries(
      sample.label.map((label) => [text(label.key), text(label.str) || String(label.num)]),
    ),
    count: Number(sample.value[0]),
  }));
  return { types, samples };
}
