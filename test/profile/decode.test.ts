import { deflateSync, gzipSync } from 'node:zlib';
import {
  Label,
  Line,
  Location,
  Function as PprofFunction,
  Profile as PprofProfile,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';
import { describe, expect, it } from 'vitest';
import { SpanprofError } from '../../src/errors.ts';
import { DECODE_LIMITS, decode } from '../../src/profile/decode.ts';
import { encode } from '../../src/profile/encode.ts';
import { validate } from '../../src/profile/validate.ts';
import { profileFromText, samplesOf } from '../helpers/profile-from-text.ts';
import { randomFrom, randomProfile } from '../helpers/random-profile.ts';

const sound = encode(
  profileFromText(`
    stack            main@app.ts:9    main@app.ts:9
                     plan@a.ts:12     idle
    samples/count    3                1
    cpu/nanoseconds  30               10
    labels           agent=x          -
                     retries=0
  `),
);

/** The message of the error, which must be ours. */
function refusal(bytes: Uint8Array, limits = DECODE_LIMITS): string {
  try {
    decode(bytes, limits);
  } catch (error) {
    if (error instanceof SpanprofError && error.code === 'PROFILE_INVALID') return error.message;
    throw error;
  }
  return 'accepted';
}

/** A profile of one sample, with any part replaced. */
function pprof(parts: Partial<ConstructorParameters<typeof PprofProfile>[0]> = {}): Uint8Array {
  const strings = new StringTable();
  return new PprofProfile({
    stringTable: strings,
    sampleType: [new ValueType({ type: strings.dedup('cpu'), unit: strings.dedup('nanoseconds') })],
    function: [new PprofFunction({ id: 1, name: strings.dedup('main') })],
    location: [new Location({ id: 1, line: [new Line({ functionId: 1 })] })],
    sample: [new Sample({ locationId: [1], value: [7] })],
    ...parts,
  }).encode();
}

describe('decode', () => {
  it('reads raw and gzipped profiles alike', () => {
    expect(decode(gzipSync(sound))).toEqual(decode(sound));
    expect(samplesOf(decode(sound))).toEqual([
      'main;idle | - | 1 10',
      'main;plan | agent=x retries=0 | 3 30',
    ]);
    expect(samplesOf(decode(pprof()))).toEqual(['main | - | 7']);
  });

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'it is empty'],
    ['nothing, gzipped', gzipSync(''), 'it is empty'],
    ['only zeros', new Uint8Array(100), 'it has no value types'],
    [
      'text',
      Buffer.from('heap profile: 1: 2 [3: 4] @ heap/1'),
      'a profile has a field of wire type 1',
    ],
    [
      'HTML',
      Buffer.from('<!doctype html><p>502 Bad Gateway'),
      'a profile has a field of wire type 4',
    ],
    ['JSON', Buffer.from('{"nodes":[]}'), 'a profile has a field of wire type 3'],
    [
      'gzip cut off',
      gzipSync(sound).subarray(0, 60),
      'it cannot be decompressed (unexpected end of file)',
    ],
    [
      'gzip of garbage',
      Buffer.from([0x1f, 0x8b, 1, 2, 3]),
      'it cannot be decompressed (unknown compression method)',
    ],
    [
      'zlib instead of gzip',
      deflateSync(sound),
      'a profile has a field that profile.proto does not know',
    ],
    ['a field cut off', sound.subarray(0, sound.length - 3), 'a profile is cut off in field 6'],
    [
      'an endless varint',
      new Uint8Array(1000).fill(0xff, 1).fill(0x48, 0, 1),
      'a profile is cut off in field 9',
    ],
    [
      'a varint of eleven bytes',
      Buffer.from('48ffffffffffffffffffff01', 'hex'),
      'a profile is cut off in field 9',
    ],
    [
      'a length beyond the end',
      Buffer.from('0aff7f0801', 'hex'),
      'a profile is cut off in field 1',
    ],
    [
      'an enormous length',
      Buffer.from('0affffffffffffffff7f', 'hex'),
      'a profile is cut off in field 1',
    ],
    ['an integer for a message', Buffer.from('1005', 'hex'), 'field 2 of a profile is an integer'],
    [
      'a field above 15',
      Buffer.from('820100', 'hex'),
      'a profile has a field that profile.proto does not know',
    ],
    [
      'fixed-width fields',
      Buffer.from('4d00000000', 'hex'),
      'a profile has a field of wire type 5',
    ],
    ['a list cut off', Buffer.from('120412038180', 'hex'), 'a sample is cut off in field 2'],
    [
      'a packed varint cut off',
      Buffer.from('120412020180', 'hex'),
      'a list of integers is cut off',
    ],
  ])('refuses %s', (_, bytes, reason) => {
    expect(refusal(bytes)).toBe(`not a usable profile: ${reason}`);
  });

  it.each<[string, Uint8Array, string]>([
    ['no value types', pprof({ sampleType: [] }), 'it has no value types'],
    [
      'too few values',
      pprof({ sample: [new Sample({ locationId: [1] })] }),
      'a sample has 0 values for 1 value types',
    ],
    [
      'too many values',
      pprof({ sample: [new Sample({ value: [1, 2] })] }),
      'a sample has 2 values for 1 value types',
    ],
    [
      'a missing location',
      pprof({ location: [] }),
      'a sample refers to location 1, which is missing',
    ],
    [
      'a missing function',
      pprof({ function: [] }),
      'location 1 refers to function 1, which is missing',
    ],
    [
      'location 0',
      pprof({ location: [new Location({ address: 5 })] }),
      'one of its locations has id 0',
    ],
    [
      'two functions of one id',
      pprof({ function: [1, 1].map((id) => new PprofFunction({ id })) }),
      'two of its functions have id 1',
    ],
    ['a missing string', pprof({ comment: [99] }), 'it refers to string 99 of 4'],
    [
      'a negative string',
      pprof({ comment: [-1] }),
      'it refers to string 18446744073709551615 of 4',
    ],
    [
      'a negative value',
      pprof({ sample: [new Sample({ locationId: [1], value: [-7] })] }),
      'it has negative values, like the difference of two profiles',
    ],
    [
      'a value above 2^53',
      pprof({ sample: [new Sample({ locationId: [1], value: [2n ** 60n] })] }),
      'the value 1152921504606846976 is too large',
    ],
  ])('refuses %s', (_, bytes, reason) => {
    expect(refusal(bytes)).toBe(`not a usable profile: ${reason}`);
  });

  it('refuses a string table that does not begin with nothing', () => {
    const strings = new StringTable();
    const bytes = pprof({ stringTable: strings, sampleType: [], function: [] });
    const first = Buffer.from(bytes).indexOf('3200', 'hex');
    const named = Buffer.concat([
      bytes.subarray(0, first),
      Buffer.from('320161', 'hex'),
      bytes.subarray(first + 2),
    ]);
    expect(refusal(named)).toBe('not a usable profile: its first string is not empty');
  });

  it('stays within bounds in size, messages and numbers', () => {
    const bomb = gzipSync(new Uint8Array(4_000_000));
    expect(bomb.length).toBeLessThan(5_000);
    const bytes = { ...DECODE_LIMITS, bytes: 1_000_000 };
    expect(refusal(bomb, bytes)).toBe('not a usable profile: it takes more than 1000000 bytes');
    expect(refusal(new Uint8Array(1_000_001), bytes)).toBe(
      'not a usable profile: it takes more than 1000000 bytes',
    );
    const tooLarge = 'not a usable profile: it holds more than a profile can be expected to hold';
    const samples = Buffer.alloc(2 * (DECODE_LIMITS.messages + 1), Buffer.from('1200', 'hex'));
    expect(refusal(samples)).toBe(tooLarge);
    expect(refusal(sound, { ...DECODE_LIMITS, messages: 10 })).toBe(tooLarge);
    expect(refusal(sound, { ...DECODE_LIMITS, integers: 7 })).toBe(tooLarge);
    expect(refusal(sound, { ...DECODE_LIMITS, integers: 8 })).toBe('accepted');
    const unpacked = Buffer.from('1206080108010801', 'hex');
    expect(refusal(unpacked, { ...DECODE_LIMITS, integers: 2 })).toBe(tooLarge);
    expect(refusal(unpacked, { ...DECODE_LIMITS, integers: 3 })).not.toBe(tooLarge);
  });

  it('refuses stacks that grow out of few bytes', () => {
    const line = Array.from({ length: 10_000 }, () => new Line({ functionId: 1 }));
    const sample = [new Sample({ locationId: new Array<number>(2_001).fill(1), value: [1] })];
    const bytes = pprof({ location: [new Location({ id: 1, line })], sample });
    expect(bytes.length).toBeLessThan(60_000);
    expect(refusal(bytes)).toBe('not a usable profile: its stacks have more than 20000000 frames');
  });

  it('keeps hostile names apart from the tables', () => {
    const strings = new StringTable();
    const label = ['__proto__', 'constructor', 'pprof::base'].map(
      (key) => new Label({ key: strings.dedup(key), str: strings.dedup('x') }),
    );
    const sampleType = [new ValueType({ type: strings.dedup('cpu') })];
    const profile = decode(
      pprof({
        stringTable: strings,
        sampleType,
        function: [new PprofFunction({ id: 1 })],
        sample: [new Sample({ locationId: [1], value: [1], label })],
      }),
    );
    expect(samplesOf(profile)).toEqual(['(anonymous) | __proto__=x constructor=x | 1']);
  });

  it('either refuses damaged bytes with our error or gives a sound profile', () => {
    const random = randomFrom(7);
    let accepted = 0;
    let refused = 0;
    for (let round = 0; round < 2_000; round++) {
      const bytes = Uint8Array.from(encode(randomProfile(round % 20, 6)));
      for (let damage = 1 + Math.floor(random() * 3); damage > 0; damage--) {
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      }
      const end = random() < 0.2 ? Math.floor(random() * bytes.length) : bytes.length;
      try {
        expect(validate(decode(bytes.subarray(0, end))), `round ${round}`).toEqual([]);
        accepted++;
      } catch (error) {
        expect(error, `round ${round}`).toMatchObject({ code: 'PROFILE_INVALID' });
        refused++;
      }
    }
    expect(Math.min(accepted, refused)).toBeGreaterThan(100);
  });
});
