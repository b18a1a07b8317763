import { Profile as PprofProfile } from 'pprof-format';
import { expect, test } from 'vitest';
import { decode } from '../../src/profile/decode.ts';
import { encode } from '../../src/profile/encode.ts';
import { fromPprofFormat } from '../../src/profile/from-pprof-format.ts';
import { splitSamples } from '../../src/profile/sample-reader.ts';
import { randomProfile } from '../helpers/random-profile.ts';

test('samples read one by one are those that pprof-format reads', () => {
  for (let seed = 0; seed < 40; seed++) {
    const bytes = encode(randomProfile(seed, 30));
    expect(decode(bytes), `seed ${seed}`).toEqual(fromPprofFormat(PprofProfile.decode(bytes)));
  }
});

test('integers stand packed or one by one, large ones are big and unsigned', () => {
  const bytes = Buffer.from(
    [
      '1207',
      '080108ff01',
      '1005',
      '0800',
      '1204',
      '0a020304',
      '120c',
      '120affffffffffffffffff01',
    ].join(''),
    'hex',
  );
  const { rest, samples } = splitSamples(bytes);
  expect([...samples]).toEqual([
    { locationId: [1, 255], value: [5], label: [] },
    { locationId: [3, 4], value: [], label: [] },
    { locationId: [], value: [2n ** 64n - 1n], label: [] },
  ]);
  expect(Buffer.from(rest).toString('hex')).toBe('0800');
  expect([...samples]).toHaveLength(3);
});

test('ends for bytes that are no message', () => {
  for (const hex of ['12', '12ff', '1205', '120308', '12ffffffffffff7f', 'ff']) {
    const { samples } = splitSamples(Buffer.from(hex, 'hex'));
    expect([...samples].length, hex).toBeLessThan(3);
  }
});
