import { gzipSync } from 'node:zlib';
import { Profile as PprofProfile } from 'pprof-format';
import { describe, expect, it } from 'vitest';
import { decode } from '../../src/profile/decode.ts';
import { encode } from '../../src/profile/encode.ts';
import { validate } from '../../src/profile/validate.ts';
import { profileFromText, samplesOf } from '../helpers/profile-from-text.ts';
import { randomProfile } from '../helpers/random-profile.ts';

const small = profileFromText(
  `
  stack            main@app.ts:9    main@app.ts:9        main@app.ts:12
                   plan@a.ts:12:3+10  plan@a.ts:12:3+10  idle
                   größe@計.ts:1
  samples/count    3                2                    1
  cpu/nanoseconds  30               5000000000           0
  labels           agent=x          agent=y              -
                   retries=0        sent_bytes=-1
  `,
  { comments: ['pid=42', '', '🧭'], timeNanos: 2n ** 62n + 1n, period: 2 ** 40 + 1 },
);

describe('encode', () => {
  it('writes what a decoder we did not write reads', () => {
    const read = PprofProfile.decode(encode(small));
    const text = (index: number | bigint) => read.stringTable.strings[Number(index)];
    expect(read.stringTable.strings[0]).toBe('');
    expect(new Set(read.stringTable.strings).size).toBe(read.stringTable.strings.length);
    expect(read.sampleType.map((type) => [text(type.type), text(type.unit)])).toEqual([
      ['samples', 'count'],
      ['cpu', 'nanoseconds'],
    ]);
    expect([text(read.periodType?.type ?? 0), text(read.periodType?.unit ?? 0)]).toEqual([
      'cpu',
      'nanoseconds',
    ]);
    expect(read.period).toBe(2n ** 40n + 1n);
    expect(read.timeNanos).toBe(2n ** 62n + 1n);
    expect(read.durationNanos).toBe(60_000_000_000n);
    expect(text(read.defaultSampleType)).toBe('cpu');
    expect(read.comment.map(text)).toEqual(['pid=42', '', '🧭']);

    const functions = new Map(read.function.map((item) => [item.id, item]));
    const locations = new Map(read.location.map((item) => [item.id, item]));
    expect([functions.has(0), locations.has(0)]).toEqual([false, false]);
    expect([functions.size, locations.size]).toEqual([read.function.length, read.location.length]);
    const samples = read.sample.map((sample) => ({
      leafFirst: sample.locationId.map((id) => {
        const [line, ...more] = locations.get(id)?.line ?? [];
        const found = functions.get(line?.functionId ?? 0);
        expect(more).toEqual([]);
        expect(found?.systemName).toBe(found?.name);
        return [
          text(found?.name ?? 0),
          text(found?.filename ?? 0),
          found?.startLine,
          line?.line,
          line?.column,
        ].join(' ');
      }),
      values: sample.value,
      labels: sample.label.map(({ key, str, num, numUnit }) =>
        str !== 0
          ? [text(key), text(str)]
          : [text(key), BigInt.asIntN(64, BigInt(num)), text(numUnit)],
      ),
    }));
    expect(samples).toEqual([
      {
        leafFirst: ['größe 計.ts 0 1 0', 'plan a.ts 10 12 3', 'main app.ts 0 9 0'],
        values: [3, 30],
        labels: [
          ['agent', 'x'],
          ['retries', 0n, 'count'],
        ],
      },
      {
        leafFirst: ['plan a.ts 10 12 3', 'main app.ts 0 9 0'],
        values: [2, 5_000_000_000n],
        labels: [
          ['agent', 'y'],
          ['sent_bytes', -1n, 'bytes'],
        ],
      },
      { leafFirst: ['idle  0 0 0', 'main app.ts 0 12 0'], values: [1, 0], labels: [] },
    ]);
  });

  it('puts every location into one mapping that is symbolised already', () => {
    const read = PprofProfile.decode(encode(small));
    expect(read.mapping).toHaveLength(1);
    expect(read.mapping[0]).toMatchObject({
      id: 1,
      hasFunctions: true,
      hasFilenames: true,
      hasLineNumbers: true,
    });
    expect(new Set(read.location.map(({ mappingId }) => mappingId))).toEqual(new Set([1]));
  });

  it('takes as many bytes as another encoder', () => {
    // Equal sizes mean that no length of ours is padded and nothing stands twice.
    const bytes = encode(small);
    expect(PprofProfile.decode(bytes).encode().length).toBe(bytes.length);
  });

  it('writes an empty profile', () => {
    const empty = profileFromText('stack\nsamples/count\ncpu/nanoseconds', { timeNanos: 0n });
    const read = decode(encode(empty));
    expect(samplesOf(read)).toEqual([]);
    expect(read).toEqual(empty);
  });

  it('replaces half a surrogate pair, which UTF-8 cannot carry', () => {
    const profile = profileFromText(`
      stack            a\ud800b
      samples/count    1
      cpu/nanoseconds  1
    `);
    expect(samplesOf(decode(encode(profile)))).toEqual(['a\ufffdb | - | 1 1']);
  });

  it('finds room for texts of any length and width', () => {
    const texts = [1, 41, 42, 43, 127, 128, 5461, 5462, 16_384, 200_000].flatMap((length) =>
      ['x', 'ü', '計', '🧭'].map((letter) => letter.repeat(length)),
    );
    const profile = { ...small, comments: texts };
    expect(decode(encode(profile)).comments).toEqual(texts);
  });

  it('brings random profiles back unchanged, gzipped or not', () => {
    let samples = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const profile = randomProfile(seed);
      samples += profile.samples.stack.length;
      expect(validate(profile), `seed ${seed}`).toEqual([]);
      const bytes = encode(profile);
      const read = decode(seed % 2 === 0 ? bytes : gzipSync(bytes));
      expect(validate(read), `seed ${seed}`).toEqual([]);
      expect(samplesOf(read, 'places'), `seed ${seed}`).toEqual(samplesOf(profile, 'places'));
      const { functions, locations, stacks, labelSets, samples: _, ...header } = profile;
      expect(read, `seed ${seed}`).toMatchObject(header);
    }
    expect(samples).toBeGreaterThan(2_000);
  });

  it('writes stacks that share callers in any order', () => {
    const profile = profileFromText(`
      stack            a  a  a  a  b
                       b  b  b     a
                       c  c        b
                       d           c
      samples/count    1  2  3  4  5
      cpu/nanoseconds  1  2  3  4  5
    `);
    for (const order of [
      [0, 1, 2, 3, 4],
      [4, 3, 2, 1, 0],
      [2, 0, 4, 1, 3],
    ]) {
      const pick = (column: readonly number[]) => order.map((index) => column[index] ?? -1);
      const { stack, labelSet, values } = profile.samples;
      const samples = { stack: pick(stack), labelSet: pick(labelSet), values: values.map(pick) };
      expect(samplesOf(decode(encode({ ...profile, samples })))).toEqual([
        'a | - | 4 4',
        'a;b | - | 3 3',
        'a;b;c | - | 2 2',
        'a;b;c;d | - | 1 1',
        'b;a;b;c | - | 5 5',
      ]);
    }
  });
});
