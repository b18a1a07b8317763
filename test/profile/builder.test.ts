import { describe, expect, it } from 'vitest';
import { ProfileBuilder } from '../../src/profile/builder.ts';
import { PERIOD_TYPES, type ProfileHeader, SAMPLE_TYPES } from '../../src/profile/model.ts';
import { validate } from '../../src/profile/validate.ts';
import { samplesOf } from '../helpers/profile-from-text.ts';

const header: ProfileHeader = {
  profileType: 'cpu',
  sampleTypes: SAMPLE_TYPES.cpu,
  periodType: PERIOD_TYPES.cpu,
  period: 10_000_000,
  timeNanos: 1n,
  durationNanos: 2n,
  comments: ['pid=1'],
};

describe('ProfileBuilder', () => {
  it('gives the same id for the same frame, stack and labels, and another for any other', () => {
    const builder = new ProfileBuilder(header);
    const frame = builder.frame('f', 'a.ts', 3, 1, 5);
    expect(builder.frame('f', 'a.ts', 3, 1, 5)).toBe(frame);
    const others = [
      builder.frame('g', 'a.ts', 3, 1, 5),
      builder.frame('f', 'b.ts', 3, 1, 5),
      builder.frame('f', 'a.ts', 4, 1, 5),
      builder.frame('f', 'a.ts', 3, 2, 5),
      builder.frame('f', 'a.ts', 3, 1, 6),
    ];
    expect(new Set([frame, ...others]).size).toBe(6);
    expect(builder.build().functions).toEqual({
      name: ['f', 'g', 'f', 'f'],
      file: ['a.ts', 'a.ts', 'b.ts', 'a.ts'],
      startLine: [1, 1, 1, 2],
    });

    const stack = builder.stack(-1, frame);
    expect(builder.stack(-1, frame)).toBe(stack);
    expect(builder.stack(stack, frame)).not.toBe(stack);

    const set = builder.labelSet({ agent: 'x', step: 1 });
    expect(builder.labelSet({ step: 1, agent: 'x' })).toBe(set);
    expect(builder.labelSet({ agent: 'x', step: '1' })).not.toBe(set);
    expect(builder.labelSet({ agent: 'x' })).not.toBe(set);
  });

  it('keeps apart label sets whose joined text would be the same', () => {
    const builder = new ProfileBuilder(header);
    const sets = [{ a: 'b', c: 'd' }, { a: 'b,c=d' }, { 'a=b,c': 'd' }, { a: 'b\0c\0d' }, {}];
    expect(new Set(sets.map((labels) => builder.labelSet(labels))).size).toBe(sets.length);
  });

  it('adds up what falls on the same stack and labels', () => {
    const builder = new ProfileBuilder(header);
    const main = builder.stack(-1, builder.frame('main', '', 0));
    const leaf = builder.stack(main, builder.frame('leaf', '', 0));
    const mine = builder.labelSet({ agent: 'x' });
    const nobody = builder.labelSet({});
    builder.add(leaf, mine, 1, 10);
    builder.add(main, mine, 1, 5);
    builder.add(leaf, nobody, 1, 7);
    builder.add(leaf, mine, 2, 20);
    expect(builder.sampleCount).toBe(3);
    expect(samplesOf(builder.build())).toEqual([
      'main | agent=x | 1 5',
      'main;leaf | - | 1 7',
      'main;leaf | agent=x | 3 30',
    ]);
  });

  it('counts negative values and NaN as 0 and rounds the sums, not the parts', () => {
    const builder = new ProfileBuilder(header);
    const stack = builder.stack(-1, builder.frame('f', '', 0));
    const none = builder.labelSet({});
    builder.add(stack, none, -5, Number.NaN);
    builder.add(stack, none, 0.4, 3);
    builder.add(stack, none, 0.4, Number.NEGATIVE_INFINITY);
    const endless = builder.stack(-1, builder.frame('g', '', 0));
    builder.add(endless, none, 1, Number.POSITIVE_INFINITY);
    const profile = builder.build();
    expect(samplesOf(profile)).toEqual(['f | - | 1 3', `g | - | 1 ${Number.MAX_SAFE_INTEGER}`]);
    expect(validate(profile)).toEqual([]);
  });

  it('takes any number of value columns', () => {
    const sampleTypes = ['a', 'b', 'c'].map((type) => ({ type, unit: 'count' }));
    const builder = new ProfileBuilder({ ...header, sampleTypes });
    const stack = builder.stack(-1, builder.frame('f', '', 0));
    builder.addValues(stack, builder.labelSet({}), [1, 2, 3]);
    builder.addValues(stack, builder.labelSet({}), [1, 2]);
    builder.add(stack, builder.labelSet({ k: 'v' }), 7, 8);
    expect(samplesOf(builder.build())).toEqual(['f | - | 2 4 3', 'f | k=v | 7 8 0']);

    const one = new ProfileBuilder({ ...header, sampleTypes: sampleTypes.slice(0, 1) });
    one.add(one.stack(-1, one.frame('f', '', 0)), one.labelSet({}), 7, 8);
    expect(samplesOf(one.build())).toEqual(['f | - | 7']);
  });

  it('names the nameless and leaves out labels that pprof cannot carry', () => {
    const builder = new ProfileBuilder(header);
    const stack = builder.stack(-1, builder.frame('', 'a.ts', 1));
    const labels = {
      kept: 'x',
      zero: 0,
      '': 'no key',
      empty: '',
      'pprof::base': 'true',
      fraction: 1.5,
      minusZero: -0,
    };
    builder.add(stack, builder.labelSet(labels), 1, 1);
    const profile = builder.build();
    expect(profile.functions.name).toEqual(['(anonymous)']);
    expect(profile.labelSets).toEqual([{ fraction: '1.5', kept: 'x', minusZero: 0, zero: 0 }]);
    expect(profile.labelSets[0]?.['minusZero']).toBe(0);
    expect(validate(profile)).toEqual([]);
  });

  it('gives label sets that have only what was put in', () => {
    const builder = new ProfileBuilder(header);
    builder.labelSet({ ['__proto__']: 'x' });
    const [set] = builder.build().labelSets;
    expect(Object.entries(set ?? {})).toEqual([['__proto__', 'x']]);
    expect(set?.['constructor']).toBeUndefined();
    expect(Object.isFrozen(set)).toBe(true);
  });

  it('remembers frozen labels by identity and reads others anew', () => {
    const builder = new ProfileBuilder(header);
    const frozen = Object.freeze({ agent: 'x' });
    expect(builder.labelSet(frozen)).toBe(builder.labelSet(frozen));
    const open: Record<string, string> = { agent: 'x' };
    expect(builder.labelSet(open)).toBe(builder.labelSet(frozen));
    open['agent'] = 'y';
    expect(builder.labelSet(open)).not.toBe(builder.labelSet(frozen));
  });

  it('builds a profile that later additions do not change', () => {
    const builder = new ProfileBuilder(header);
    const empty = builder.build();
    const stack = builder.stack(-1, builder.frame('f', '', 0));
    builder.add(stack, builder.labelSet({ a: 'b' }), 1, 1);
    const before = builder.build();
    builder.add(stack, builder.labelSet({ a: 'b' }), 1, 1);
    builder.add(stack, builder.labelSet({}), 1, 1);
    expect(samplesOf(empty)).toEqual([]);
    expect(samplesOf(before)).toEqual(['f | a=b | 1 1']);
    expect(before).toMatchObject(header);
  });

  it('keeps ids apart among many', () => {
    const builder = new ProfileBuilder(header);
    const ids = new Set<number>();
    for (let line = 0; line < 300; line++) {
      for (let column = 0; column < 300; column++) {
        ids.add(builder.frame('f', 'a.js', line, 1, column));
      }
    }
    expect(ids.size).toBe(90_000);
    expect(builder.frame('f', 'a.js', 299, 1, 299)).toBe(89_999);
    expect(builder.frame('f', 'a.js', 0, 1, 0)).toBe(0);
  });
});
