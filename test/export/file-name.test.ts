import { expect, test } from 'vitest';
import { parseProfileFileName, profileFileName } from '../../src/export/file-name.ts';
import { milliseconds } from '../../src/units.ts';

const startMillis = milliseconds(Date.UTC(2026, 10, 20, 20, 15, 30, 123));
const main = {
  startMillis,
  serviceName: 'checkout',
  processId: 4242,
  threadId: undefined,
  profileType: 'cpu',
} as const;

test('the names that the documentation shows', () => {
  expect(profileFileName(main)).toBe('20261120T201530.123Z-checkout-4242-cpu.pb.gz');
  expect(profileFileName({ ...main, threadId: 3 })).toBe(
    '20261120T201530.123Z-checkout-4242.3-cpu.pb.gz',
  );
});

test.each([
  main,
  { ...main, threadId: 0, profileType: 'wall' },
  { ...main, threadId: 12, profileType: 'heap' },
  { ...main, serviceName: 'a-7.2-cpu', processId: 1, profileType: 'allocs' },
  { ...main, serviceName: '20261120T201530.123Z-x-1-cpu.pb.gz' },
  { ...main, serviceName: '_', startMillis: milliseconds(0) },
] as const)('what is written is read: %j', (profile) => {
  expect(parseProfileFileName(profileFileName(profile))).toEqual(profile);
});

test.each([
  ['unknown_service:node', 'unknown_service_node'],
  ['@scope/package name', '_scope_package_name'],
  ['../../etc/passwd', '_.._etc_passwd'],
  ['.hidden', 'hidden'],
  ['--', 'unknown'],
  ['..', 'unknown'],
  ['', 'unknown'],
  ['Größe', 'Gr_e'],
  ['结账', '_'],
  ['a\0b\nc\\d', 'a_b_c_d'],
  ['x'.repeat(300), 'x'.repeat(64)],
])('service %j stands in the name as %j', (serviceName, expected) => {
  const name = profileFileName({ ...main, serviceName });
  expect(name).toBe(`20261120T201530.123Z-${expected}-4242-cpu.pb.gz`);
  expect(parseProfileFileName(name)?.serviceName).toBe(expected);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 8.64e15, 1e300])(
  'a start of %d gives a valid name',
  (start) => {
    const name = profileFileName({ ...main, startMillis: milliseconds(start) });
    expect(parseProfileFileName(name)).toBeDefined();
  },
);

test('names sort by time', () => {
  const starts = [0, 999, 1_000, 1_763_669_730_123, 1_763_669_730_124, 4_102_444_800_000];
  const names = starts.map((start) =>
    profileFileName({ ...main, startMillis: milliseconds(start) }),
  );
  expect(names.toSorted()).toEqual(names);
});

test.each([
  '',
  'cpu.pb.gz',
  'README.md',
  '20261120T201530.123Z-checkout-4242-cpu.pb',
  '20261120T201530.123Z-checkout-4242-cpu.pb.gz.tmp',
  '.20261120T201530.123Z-checkout-4242-cpu.pb.gz',
  '20261120T201530.123Z-checkout-4242-mutex.pb.gz',
  '20261120T201530.123Z-checkout-cpu.pb.gz',
  '20261120T201530.123Z--4242-cpu.pb.gz',
  '20261120T201530.123Z-a/b-4242-cpu.pb.gz',
  '20261120T201530Z-checkout-4242-cpu.pb.gz',
  '20261320T201530.123Z-checkout-4242-cpu.pb.gz',
  '20260230T201530.123Z-checkout-4242-cpu.pb.gz',
  '20261120T241530.123Z-checkout-4242-cpu.pb.gz',
  '20261120T201530.123Z-checkout-4242.-cpu.pb.gz',
])('%j is not the name of a profile', (name) => {
  expect(parseProfileFileName(name)).toBeUndefined();
});
