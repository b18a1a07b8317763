import { describe, expect, test } from 'vitest';
import { FileRetention } from '../../src/export/file-retention.ts';

function filled(maxFiles: number, maxBytes: number, files: Record<string, number>): FileRetention {
  const retention = new FileRetention(maxFiles, maxBytes);
  for (const [name, bytes] of Object.entries(files)) retention.add({ name, bytes });
  return retention;
}

describe('FileRetention', () => {
  test('nothing has to go within the bounds', () => {
    const retention = filled(3, 30, { a: 10, b: 10, c: 10 });
    expect(retention.takeSurplus('c')).toEqual([]);
    expect([retention.count, retention.bytes]).toEqual([3, 30]);
  });

  test('by count the oldest go first, whatever the order they came in', () => {
    const retention = filled(2, 1_000, { d: 1, b: 1, c: 1, a: 1 });
    expect(retention.takeSurplus('a')).toEqual(['b', 'c']);
    expect(retention.takeSurplus('a')).toEqual([]);
    expect([retention.count, retention.bytes]).toEqual([2, 2]);
  });

  test('by bytes too, and no more than needed', () => {
    const retention = filled(100, 30, { a: 5, b: 10, c: 20, d: 1 });
    expect(retention.takeSurplus('d')).toEqual(['a', 'b']);
    expect([retention.count, retention.bytes]).toEqual([2, 21]);
  });

  test('the newest written stays, even if it is the oldest by name or too large alone', () => {
    expect(filled(1, 1_000, { a: 1, b: 1 }).takeSurplus('a')).toEqual(['b']);
    const large = filled(100, 30, { a: 5, b: 500, c: 5 });
    expect(large.takeSurplus('b')).toEqual(['a', 'c']);
    expect(large.bytes).toBe(500);
    expect(filled(0, 0, { a: 1 }).takeSurplus('a')).toEqual([]);
    expect(filled(0, 0, { a: 1 }).takeSurplus(undefined)).toEqual(['a']);
  });

  test('what was found in the directory replaces what was thought', () => {
    const retention = filled(2, 1_000, { a: 1, z: 1 });
    retention.replace([
      { name: 'c', bytes: 30 },
      { name: 'b', bytes: 20 },
      { name: 'd', bytes: 40 },
    ]);
    expect([retention.count, retention.bytes]).toEqual([3, 90]);
    expect(retention.bytesOf('a')).toBeUndefined();
    expect(retention.bytesOf('c')).toBe(30);
    expect(retention.takeSurplus('d')).toEqual(['b']);
  });

  test('a file counts once', () => {
    const retention = filled(10, 1_000, { a: 10 });
    retention.add({ name: 'a', bytes: 10 });
    expect([retention.count, retention.bytes]).toEqual([1, 10]);
  });
});
