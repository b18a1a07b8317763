import * as datadog from '@datadog/pprof';
import {
  Label,
  Line,
  Location,
  Mapping,
  Function as PprofFunction,
  Profile as PprofProfile,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';
import { describe, expect, it } from 'vitest';
import { fromPprofFormat } from '../../src/profile/from-pprof-format.ts';
import { PERIOD_TYPES, type ProfileType, SAMPLE_TYPES } from '../../src/profile/model.ts';
import { validate } from '../../src/profile/validate.ts';
import { samplesOf } from '../helpers/profile-from-text.ts';

/** A profile with these value types, of one sample whose values are 1, 2, 3, … */
function withTypes(types: readonly string[], defaultType = '', periodType = ''): PprofProfile {
  const stringTable = new StringTable();
  const typeOf = (text: string): ValueType => {
    const [type = '', unit = ''] = text.split('/');
    return new ValueType({ type: stringTable.dedup(type), unit: stringTable.dedup(unit) });
  };
  return new PprofProfile({
    stringTable,
    sampleType: types.map(typeOf),
    ...(periodType === '' ? {} : { periodType: typeOf(periodType) }),
    defaultSampleType: stringTable.dedup(defaultType),
    function: [new PprofFunction({ id: 1, name: stringTable.dedup('f') })],
    location: [new Location({ id: 1, line: [new Line({ functionId: 1 })] })],
    sample: [new Sample({ locationId: [1], value: types.map((_, index) => index + 1) })],
  });
}

const GO_HEAP = [
  'alloc_objects/count',
  'alloc_space/bytes',
  'inuse_objects/count',
  'inuse_space/bytes',
];

describe('fromPprofFormat', () => {
  it.each<[string, readonly string[], string, string, ProfileType]>([
    ["Go's CPU", ['samples/count', 'cpu/nanoseconds'], '', 'cpu/nanoseconds', 'cpu'],
    ["Go's heap", GO_HEAP, 'inuse_space', 'space/bytes', 'heap'],
    ["Go's allocs", GO_HEAP, 'alloc_space', 'space/bytes', 'allocs'],
    ["Go's mutex", ['contentions/count', 'delay/nanoseconds'], '', 'contentions/count', 'wall'],
    ["Go's goroutine", ['goroutine/count'], '', 'goroutine/count', 'wall'],
    ["Datadog's wall", ['sample/count', 'wall/nanoseconds'], '', 'wall/nanoseconds', 'wall'],
    [
      "Datadog's wall with CPU",
      ['sample/count', 'wall/nanoseconds', 'cpu/nanoseconds'],
      '',
      'wall/nanoseconds',
      'wall',
    ],
    ["Datadog's heap", ['objects/count', 'space/bytes'], '', 'space/bytes', 'heap'],
    ['cycles', ['cycles/count'], '', 'cpu/cycles', 'cpu'],
    ['bytes of something', ['mapped/bytes'], '', '', 'heap'],
    ['our allocs', ['alloc_objects/count', 'alloc_space/bytes'], '', '', 'allocs'],
  ])('takes %s with all its columns', (_, types, defaultType, periodType, profileType) => {
    const profile = fromPprofFormat(withTypes(types, defaultType, periodType));
    expect(profile.profileType).toBe(profileType);
    expect(profile.sampleTypes.map(({ type, unit }) => `${type}/${unit}`)).toEqual(types);
    const { type, unit } = profile.periodType;
    const ours = PERIOD_TYPES[profileType];
    expect(`${type}/${unit}`).toBe(periodType || `${ours.type}/${ours.unit}`);
    expect(samplesOf(profile)).toEqual([`f | - | ${types.map((_, index) => index + 1).join(' ')}`]);
    expect(validate(profile)).toEqual([]);
  });

  it('renames, reorders and drops columns as told', () => {
    const source = withTypes(['sample/count', 'wall/nanoseconds', 'cpu/nanoseconds']);
    const profile = fromPprofFormat(source, {
      profileType: 'cpu',
      columns: [0, 2],
      sampleTypes: SAMPLE_TYPES.cpu,
      periodType: PERIOD_TYPES.cpu,
      timeNanos: 5n,
      comments: ['pid=1'],
    });
    expect(samplesOf(profile)).toEqual(['f | - | 1 3']);
    expect(profile).toMatchObject({
      profileType: 'cpu',
      sampleTypes: SAMPLE_TYPES.cpu,
      periodType: PERIOD_TYPES.cpu,
      timeNanos: 5n,
      comments: ['pid=1'],
    });
    expect(() => fromPprofFormat(source, { columns: [3] })).toThrow('it has no value column 3');
  });

  it('makes frames of inlined lines, of bare addresses and of nothing', () => {
    const strings = new StringTable();
    const named = (id: number, name: string, systemName = ''): PprofFunction =>
      new PprofFunction({
        id,
        name: strings.dedup(name),
        systemName: strings.dedup(systemName),
        filename: strings.dedup('a.go'),
        startLine: id * 10,
      });
    const profile = fromPprofFormat(
      new PprofProfile({
        stringTable: strings,
        sampleType: [
          new ValueType({ type: strings.dedup('cpu'), unit: strings.dedup('nanoseconds') }),
        ],
        function: [named(1, 'main'), named(2, 'printf'), named(3, '', '_memcpy'), named(4, '')],
        mapping: [new Mapping({ id: 1, filename: strings.dedup('libc.so') })],
        location: [
          new Location({
            id: 2n ** 63n + 1n,
            line: [new Line({ functionId: 1, line: 11, column: 4 })],
          }),
          new Location({
            id: 20,
            line: [new Line({ functionId: 3, line: 31 }), new Line({ functionId: 2, line: 21 })],
          }),
          new Location({ id: 30, mappingId: 1, address: 2n ** 64n - 16n }),
          new Location({
            id: 40,
            line: [new Line({ functionId: 4, line: -1, column: 2n ** 40n })],
          }),
          new Location({ id: 50 }),
        ],
        sample: [
          new Sample({ locationId: [20, 2n ** 63n + 1n], value: [1] }),
          new Sample({ locationId: [30, 40], value: [2] }),
          new Sample({ locationId: [50], value: [3] }),
          new Sample({ locationId: [], value: [4] }),
        ],
      }),
    );
    expect(samplesOf(profile, 'places')).toEqual([
      '(anonymous)@a.go:0:0+40;0xfffffffffffffff0@libc.so:0:0+0 | - | 2',
      '(unknown)@:0:0+0 | - | 7',
      'main@a.go:11:4+10;printf@a.go:21:0+20;_memcpy@a.go:31:0+30 | - | 1',
    ]);
  });

  it('takes labels of both kinds, the first of each key', () => {
    const strings = new StringTable();
    const id = (text: string): number => strings.dedup(text);
    const label = [
      new Label({ key: id('agent'), str: id('x') }),
      new Label({ key: id('agent'), str: id('y') }),
      new Label({ key: id('zero'), num: 0, numUnit: id('bytes') }),
      new Label({ key: id('nothing') }),
      new Label({ key: id('minus'), num: 2n ** 64n - 5n }),
      new Label({ key: id('large'), num: 2n ** 60n + 1n }),
      new Label({ key: id(''), str: id('x') }),
      new Label({ key: id('pprof::base'), str: id('true') }),
    ];
    const profile = fromPprofFormat(
      new PprofProfile({
        stringTable: strings,
        sampleType: [new ValueType({ type: id('cpu'), unit: id('nanoseconds') })],
        function: [new PprofFunction({ id: 1, name: id('f') })],
        location: [new Location({ id: 1, line: [new Line({ functionId: 1 })] })],
        sample: [new Sample({ locationId: [1], value: [1], label })],
      }),
    );
    expect(profile.labelSets).toEqual([
      { agent: 'x', large: '1152921504606846977', minus: -5, zero: 0 },
    ]);
    expect(validate(profile)).toEqual([]);
  });

  it('takes times as far as they are times', () => {
    const source = withTypes(['cpu/nanoseconds']);
    source.timeNanos = 2n ** 64n - 1n;
    source.durationNanos = 60e9;
    source.period = -1;
    expect(fromPprofFormat(source)).toMatchObject({
      timeNanos: 0n,
      durationNanos: 60_000_000_000n,
      period: 0,
    });
  });

  it('takes a profile right from @datadog/pprof', () => {
    datadog.heap.start(1024, 64);
    const kept = Array.from({ length: 2_000 }, (_, index) => ({ text: `${index}`.repeat(20) }));
    const source = datadog.heap.profile();
    datadog.heap.stop();
    expect(kept).toHaveLength(2_000);
    const profile = fromPprofFormat(source, { sampleTypes: SAMPLE_TYPES.heap });
    expect(validate(profile)).toEqual([]);
    expect(profile.profileType).toBe('heap');
    const [objects, bytes] = profile.samples.values.map((column) =>
      column.reduce((sum, value) => sum + value, 0),
    );
    const truth = (index: number): number =>
      source.sample.reduce((sum, sample) => sum + Number(sample.value[index]), 0);
    expect([objects, bytes]).toEqual([truth(0), truth(1)]);
    expect(bytes).toBeGreaterThan(10_000);
  });
});
