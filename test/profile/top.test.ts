import { describe, expect, it } from 'vitest';
import { ProfileBuilder } from '../../src/profile/builder.ts';
import { columnOf } from '../../src/profile/columns.ts';
import { formatTop, top } from '../../src/profile/top.ts';
import { profileFromText } from '../helpers/profile-from-text.ts';

const profile = profileFromText(`
  stack            main@app.ts:9+1  main@app.ts:9+1  main@app.ts:12+1  (idle)
                   walk@a.ts:22+20  walk@a.ts:22+20  parse@b.ts:31+30
                   walk@a.ts:23+20  walk@a.ts:23+20
                   walk@a.ts:23+20  parse@b.ts:32+30
  samples/count    3                2                1                 4
  cpu/nanoseconds  300000000        200000000        100000000         4000000
`);

const shown = (column: number, options?: Parameters<typeof top>[2]): string[] =>
  top(profile, column, options).map(
    ({ name, file, line, flat, cum }) => `${name} ${file}:${line} ${flat} ${cum}`,
  );

describe('top', () => {
  it('gives what each function cost itself and with its callees, recursion once', () => {
    expect(shown(0)).toEqual([
      '(idle) :0 4 4',
      'parse b.ts:30 3 3',
      'walk a.ts:20 3 5',
      'main app.ts:1 0 6',
    ]);
  });

  it('sorts by either number and cuts', () => {
    expect(shown(1, { sortBy: 'cum', limit: 2 })).toEqual([
      'main app.ts:1 0 600000000',
      'walk a.ts:20 300000000 500000000',
    ]);
  });

  it('tells apart functions of one name', () => {
    const found = profileFromText(`
      stack            f@a.ts:1+1  f@a.ts:5+5  f@b.ts:1+1
      samples/count    1           2           4
      cpu/nanoseconds  1           2           4
    `);
    expect(top(found, 0).map(({ file, line, flat }) => `${file}:${line} ${flat}`)).toEqual([
      'b.ts:1 4',
      'a.ts:5 2',
      'a.ts:1 1',
    ]);
  });

  it('counts recursion through others once, on every branch', () => {
    const found = profileFromText(`
      stack            f  f  g  f
                       g  g  f
                       f  f
                          g
      samples/count    1  2  4  8
      cpu/nanoseconds  1  2  4  8
    `);
    expect(top(found, 0).map(({ name, flat, cum }) => `${name} ${flat} ${cum}`)).toEqual([
      'f 13 15',
      'g 2 7',
    ]);
  });

  it('walks stacks of any depth', () => {
    const depth = 200_000;
    const { functions, locations, stacks, labelSets, samples, ...header } = profile;
    const builder = new ProfileBuilder(header);
    const frame = builder.frame('deep', 'a.ts', 1, 1);
    let stack = builder.stack(-1, builder.frame('main', 'a.ts', 9, 9));
    for (let level = 1; level < depth; level++) stack = builder.stack(stack, frame);
    builder.add(stack, builder.labelSet({}), 1, 7);
    expect(top(builder.build(), 1)).toEqual([
      { name: 'deep', file: 'a.ts', line: 1, flat: 7, cum: 7 },
      { name: 'main', file: 'a.ts', line: 9, flat: 0, cum: 7 },
    ]);
  });

  it('is empty for an empty profile and refuses a column that is not there', () => {
    const empty = profileFromText('stack\nsamples/count\ncpu/nanoseconds');
    expect(top(empty, 1)).toEqual([]);
    expect(() => top(empty, 2)).toThrow('it has no value column 2, only 2');
  });
});

describe('formatTop', () => {
  it('shows the last value type unless told otherwise', () => {
    expect(formatTop(profile)).toBe(
      [
        'Type: cpu',
        'Showing nodes accounting for 604ms, 100% of 604ms total',
        '      flat  flat%   sum%        cum   cum%',
        '     300ms 49.67% 49.67%      300ms 49.67%  parse b.ts:30',
        '     300ms 49.67% 99.34%      500ms 82.78%  walk a.ts:20',
        '       4ms  0.66%   100%        4ms  0.66%  (idle)',
        '         0     0%   100%      600ms 99.34%  main app.ts:1',
      ].join('\n'),
    );
  });

  it('shows another, sorted otherwise, cut', () => {
    expect(formatTop(profile, { valueType: 'samples', sortBy: 'cum', limit: 2 })).toBe(
      [
        'Type: samples',
        'Showing nodes accounting for 3, 30.00% of 10 total',
        'Showing top 2 nodes out of 4',
        '      flat  flat%   sum%        cum   cum%',
        '         0     0%     0%          6 60.00%  main app.ts:1',
        '         3 30.00% 30.00%          5 50.00%  walk a.ts:20',
      ].join('\n'),
    );
  });

  it('names the value types there are when asked for another', () => {
    expect(() => formatTop(profile, { valueType: 'wall' })).toThrow(
      'it has no value type wall, only samples, cpu',
    );
    expect(columnOf(profile)).toBe(1);
    expect(columnOf(profile, 'samples')).toBe(0);
  });
});
