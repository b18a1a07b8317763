import { describe, expect, it } from 'vitest';
import { filterByLabels, sumBy } from '../../src/profile/filter.ts';
import type { Labels } from '../../src/profile/model.ts';
import { validate } from '../../src/profile/validate.ts';
import { profileFromText, samplesOf } from '../helpers/profile-from-text.ts';

const profile = profileFromText(`
  stack            main     main     main     main     other
                   plan     plan     idle     plan
                            parse
  samples/count    3        2        1        4        5
  cpu/nanoseconds  30       20       10       40       50
  labels           agent=x  agent=y  -        agent=x  agent=y
                   step=1                     step=2
`);

describe('filterByLabels', () => {
  it('keeps the samples whose labels are accepted, and only what they use', () => {
    const found = filterByLabels(profile, (labels) => labels['agent'] === 'x');
    expect(samplesOf(found)).toEqual([
      'main;plan | agent=x step=1 | 3 30',
      'main;plan | agent=x step=2 | 4 40',
    ]);
    expect(found.functions.name).toEqual(['main', 'plan']);
    expect(found.labelSets).toHaveLength(2);
    const { functions, locations, stacks, labelSets, samples, ...header } = profile;
    expect(found).toMatchObject(header);
    expect(validate(found)).toEqual([]);
  });

  it('keeps all, or nothing', () => {
    expect(samplesOf(filterByLabels(profile, () => true))).toEqual(samplesOf(profile));
    const nothing = filterByLabels(profile, () => false);
    expect(samplesOf(nothing)).toEqual([]);
    expect(nothing.functions.name).toEqual([]);
    expect(validate(nothing)).toEqual([]);
  });

  it('asks once per set of labels', () => {
    const asked: Labels[] = [];
    filterByLabels(profile, (labels) => asked.push(labels) > 0);
    expect(asked).toEqual([{ agent: 'x', step: 1 }, { agent: 'y' }, {}, { agent: 'x', step: 2 }]);
  });
});

describe('sumBy', () => {
  it('sums a column by a key of the labels, largest first, what has none under undefined', () => {
    const byAgent = ({ agent }: Labels): string | undefined => agent?.toString();
    expect([...sumBy(profile, 1, byAgent)]).toEqual([
      ['x', 70],
      ['y', 70],
      [undefined, 10],
    ]);
    expect([...sumBy(profile, 0, byAgent)]).toEqual([
      ['x', 7],
      ['y', 7],
      [undefined, 1],
    ]);
    expect([...sumBy(profile, 1, ({ step }) => step?.toString())]).toEqual([
      [undefined, 80],
      ['2', 40],
      ['1', 30],
    ]);
  });

  it('has no key for labels that no sample bears', () => {
    const found = { ...profile, labelSets: [...profile.labelSets, { agent: 'unused' }] };
    expect([...sumBy(found, 1, ({ agent }) => agent?.toString()).keys()]).not.toContain('unused');
  });

  it('refuses a column that is not there', () => {
    expect(() => sumBy(profile, 2, () => 'x')).toThrow('it has no value column 2, only 2');
  });
});
