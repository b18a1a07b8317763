import { expect, test } from 'vitest';
import { editDistance, nearestPath } from '../../src/config/near.ts';
import { OPTIONS } from '../../src/config/schema.ts';

const paths = ['cpu', 'heap', 'gcp', ...OPTIONS.map(({ path }) => path)];

test.each([
  ['cpu.frequncyHertz', 'cpu.frequencyHertz'],
  ['cpu.frequency_hertz', 'cpu.frequencyHertz'],
  ['cpu.frequency', 'cpu.frequencyHertz'],
  ['cpu.wal', 'cpu.wall'],
  ['cpu.intervalBytes', 'heap.intervalBytes'],
  ['hep', 'heap'],
  ['heapp', 'heap'],
  ['exporter', 'exporters'],
  ['window', 'windowSeconds'],
  ['tenant', 'pyroscope.tenant'],
  ['zebra', undefined],
  ['cpu.zebra', undefined],
  ['x', undefined],
  ['', undefined],
  [`cpu${'w'.repeat(100_000)}`, undefined],
])('%s: did you mean %s?', (given, expected) => {
  expect(nearestPath(given, paths)).toBe(expected);
});

test.each([
  ['', '', 0],
  ['heap', 'heap', 0],
  ['hep', 'heap', 1],
  ['heaap', 'heap', 1],
  ['haep', 'heap', 1],
  ['heat', 'heap', 1],
  ['', 'heap', 4],
  ['kitten', 'sitting', 3],
])('from %j to %j it takes %i', (from, to, distance) => {
  expect(editDistance(from, to)).toBe(distance);
  expect(editDistance(to, from)).toBe(distance);
});
