import { describe, expect, it } from 'vitest';
import type { Profile } from '../../src/profile/model.ts';
import { validate } from '../../src/profile/validate.ts';
import { profileFromText } from '../helpers/profile-from-text.ts';
import { randomProfile } from '../helpers/random-profile.ts';

/** Functions main, plan, idle; stacks 0 main, 1 main;plan, 2 main;idle. */
const sound = profileFromText(`
  stack            main     main
                   plan     idle
  samples/count    3        1
  cpu/nanoseconds  30       10
  labels           agent=x  -
`);
const { functions, locations, stacks, samples } = sound;

describe('validate', () => {
  it('finds nothing wrong with what the builder makes', () => {
    expect(validate(sound)).toEqual([]);
    for (let seed = 1; seed <= 50; seed++) expect(validate(randomProfile(seed))).toEqual([]);
  });

  it.each<[string, Partial<Profile>, string[]]>([
    [
      'no value types',
      { sampleTypes: [] },
      ['sampleTypes is empty', 'samples.values has 2 columns for 0 sample types'],
    ],
    [
      'a nameless value type',
      {
        sampleTypes: [
          { type: '', unit: 'count' },
          { type: 'cpu', unit: '' },
        ],
      },
      ['sampleTypes[0] has no name'],
    ],
    ['a fraction as period', { period: 1.5 }, ['period is 1.5']],
    ['a negative time', { timeNanos: -1n }, ['timeNanos is -1']],
    [
      'a duration beyond 64 bits',
      { durationNanos: 2n ** 63n },
      ['durationNanos is 9223372036854775808'],
    ],
    [
      'a column cut short',
      { functions: { ...functions, file: [''] } },
      ['functions has columns of different lengths: name 3, file 1, startLine 3'],
    ],
    [
      'a negative line',
      { locations: { ...locations, line: [0, -1, 0] } },
      ['locations.line[1] is -1'],
    ],
    [
      'a missing function',
      { locations: { ...locations, function: [0, 1, 3] } },
      ['locations.function[2] is 3'],
    ],
    [
      'a missing location',
      { stacks: { ...stacks, location: [0, 1, 9] } },
      ['stacks.location[2] is 9'],
    ],
    [
      'a stack that calls itself',
      { stacks: { ...stacks, parent: [-1, 1, 0] } },
      ['stacks.parent[1] is 1'],
    ],
    ['a cycle', { stacks: { ...stacks, parent: [2, 0, 1] } }, ['stacks.parent[0] is 2']],
    [
      'a parent below -1',
      { stacks: { ...stacks, parent: [-2, 0, 0] } },
      ['stacks.parent[0] is -2'],
    ],
    [
      'a parent between two',
      { stacks: { ...stacks, parent: [-1, -0.5, 0] } },
      ['stacks.parent[1] is -0.5'],
    ],
    ['a missing stack', { samples: { ...samples, stack: [1, 3] } }, ['samples.stack[1] is 3']],
    [
      'a missing label set',
      { samples: { ...samples, labelSet: [0, -1] } },
      ['samples.labelSet[1] is -1'],
    ],
    [
      'a negative value',
      {
        samples: {
          ...samples,
          values: [
            [3, -1],
            [30, 10],
          ],
        },
      },
      ['samples.values[0][1] is -1'],
    ],
    [
      'a fraction',
      {
        samples: {
          ...samples,
          values: [
            [3, 1],
            [30, 0.5],
          ],
        },
      },
      ['samples.values[1][1] is 0.5'],
    ],
    [
      'NaN',
      {
        samples: {
          ...samples,
          values: [
            [3, 1],
            [30, Number.NaN],
          ],
        },
      },
      ['samples.values[1][1] is NaN'],
    ],
    [
      'a column too few',
      { samples: { ...samples, values: [[3, 1]] } },
      ['samples.values has 1 columns for 2 sample types'],
    ],
    [
      'a short value column',
      { samples: { ...samples, values: [[3, 1], [30]] } },
      ['samples has columns of different lengths: stack 2, labelSet 2, values[0] 2, values[1] 1'],
    ],
    [
      'a pair twice',
      { samples: { ...samples, stack: [1, 1], labelSet: [0, 0] } },
      ['samples[1] repeats a pair of stack and label set'],
    ],
    [
      'labels that pprof cannot carry',
      { labelSets: [{ '': 'x', 'pprof::a': 'x', empty: '', half: 0.5 }, {}] },
      [
        'labelSets[0] "" is an empty key',
        'labelSets[0] "pprof::a" is reserved by pprof',
        'labelSets[0] "empty" is empty, which pprof reads as not set',
        'labelSets[0] "half" is neither text nor a safe integer',
      ],
    ],
  ])('finds %s', (_, parts, problems) => {
    expect(validate({ ...sound, ...parts })).toEqual(problems);
  });

  it('lists fifty problems at most', () => {
    const line = new Array<number>(1_000).fill(-1);
    const column = new Array<number>(1_000).fill(0);
    expect(validate({ ...sound, locations: { function: column, line, column } })).toHaveLength(50);
  });
});
