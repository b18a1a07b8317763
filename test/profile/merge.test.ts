import { describe, expect, it } from 'vitest';
import { merge } from '../../src/profile/merge.ts';
import { validate } from '../../src/profile/validate.ts';
import { profileFromText, samplesOf } from '../helpers/profile-from-text.ts';
import { randomProfile, totalsOf } from '../helpers/random-profile.ts';

const first = profileFromText(
  `
  stack            main@a.ts:1  main@a.ts:1  gone
                   plan@a.ts:5  idle
  samples/count    3            1            0
  cpu/nanoseconds  30           10           0
  labels           agent=x      -            agent=z
  `,
  { timeNanos: 2_000n, durationNanos: 60n, period: 10, comments: ['pid=1', 'service=shop'] },
);
const second = profileFromText(
  `
  stack            other   main@a.ts:1  main@a.ts:1  main@a.ts:1
                           plan@a.ts:5  plan@a.ts:6  plan@a.ts:5
  samples/count    1       2            1            1
  cpu/nanoseconds  5       20           7            9
  labels           -       agent=x      agent=x      agent=y
  `,
  { timeNanos: 1_000n, durationNanos: 50n, period: 20, comments: ['pid=2', 'service=shop'] },
);

describe('merge', () => {
  it('adds up equal stacks with equal labels and keeps the rest apart', () => {
    expect(samplesOf(merge([first, second]), 'places')).toEqual([
      'main@a.ts:1:0+0;idle@:0:0+0 | - | 1 10',
      'main@a.ts:1:0+0;plan@a.ts:5:0+0 | agent=x | 5 50',
      'main@a.ts:1:0+0;plan@a.ts:5:0+0 | agent=y | 1 9',
      'main@a.ts:1:0+0;plan@a.ts:6:0+0 | agent=x | 1 7',
      'other@:0:0+0 | - | 1 5',
    ]);
  });

  it('leaves out samples without a value, and what only they used', () => {
    const alone = merge([first]);
    expect(samplesOf(alone)).toEqual(['main;idle | - | 1 10', 'main;plan | agent=x | 3 30']);
    expect(alone.functions.name).toEqual(['main', 'plan', 'idle']);
    expect(alone.labelSets).toEqual([{ agent: 'x' }, {}]);
  });

  it("makes the header as Go's profile.Merge does", () => {
    expect(merge([first, second])).toMatchObject({
      profileType: 'cpu',
      sampleTypes: first.sampleTypes,
      periodType: first.periodType,
      timeNanos: 1_000n,
      durationNanos: 110n,
      period: 20,
      comments: ['pid=1', 'service=shop', 'pid=2'],
    });
    const unknownTime = { ...second, timeNanos: 0n };
    expect(merge([unknownTime, first]).timeNanos).toBe(2_000n);
    expect(merge([first, unknownTime]).timeNanos).toBe(2_000n);
  });

  it('refuses what does not go together', () => {
    const wall = { ...second, profileType: 'wall' as const };
    expect(() => merge([])).toThrow('profiles cannot be put together: there are none');
    expect(() => merge([first, wall])).toThrow('cpu and wall are different types');
    const renamed = { ...second, sampleTypes: first.sampleTypes.toReversed() };
    expect(() => merge([first, renamed])).toThrow(
      'their values differ: samples/count, cpu/nanoseconds and cpu/nanoseconds, samples/count',
    );
    const period = { ...second, periodType: { type: 'cpu', unit: 'cycles' } };
    expect(() => merge([first, period])).toThrow(
      'their period types differ: cpu/nanoseconds and cpu/cycles',
    );
    expect(() => merge([first, wall])).toThrowError(
      expect.objectContaining({ code: 'PROFILES_INCOMPATIBLE' }),
    );
  });

  it('holds the laws of adding on random profiles', () => {
    let compared = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const [a, b, c] = [seed, seed + 1_000, seed + 2_000].map((each) => {
        // One type for all, so that any three go together.
        const { profileType, sampleTypes, periodType } = first;
        return { ...randomProfile(each, 15), profileType, sampleTypes, periodType };
      });
      if (a === undefined || b === undefined || c === undefined) throw new Error('three profiles');
      const all = merge([a, b, c]);
      expect(validate(all), `seed ${seed}`).toEqual([]);
      const expected = [0, 1].map((column) =>
        [a, b, c].reduce((sum, profile) => sum + (totalsOf(profile)[column] ?? 0), 0),
      );
      expect(totalsOf(all), `seed ${seed}`).toEqual(expected);
      expect(totalsOf(merge([a])), `seed ${seed}`).toEqual(totalsOf(a));
      expect(samplesOf(merge([c, a, b]), 'places')).toEqual(samplesOf(all, 'places'));
      expect(samplesOf(merge([merge([a, b]), c]), 'places')).toEqual(samplesOf(all, 'places'));
      expect(samplesOf(merge([all]), 'places')).toEqual(samplesOf(all, 'places'));
      compared += all.samples.stack.length;
    }
    expect(compared).toBeGreaterThan(500);
  });
});
