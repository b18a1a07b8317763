import { describe, expect, it } from 'vitest';
import { commonScale, formatPercent, formatQuantity } from '../../src/profile/quantities.ts';

describe('formatQuantity', () => {
  it.each([
    [0, 'nanoseconds', '0'],
    [1, 'nanoseconds', '1ns'],
    [999, 'nanoseconds', '999ns'],
    [1_500, 'nanoseconds', '1.50us'],
    [1_500_000, 'nanoseconds', '1.50ms'],
    [2_000_000_000, 'nanoseconds', '2s'],
    [90 * 60, 'seconds', '1.50hrs'],
    [3, 'milliseconds', '3ms'],
    [0, 'bytes', '0'],
    [1_023, 'bytes', '1023B'],
    [1_536, 'bytes', '1.50kB'],
    [524_288, 'bytes', '512kB'],
    [3 * 2 ** 40, 'bytes', '3TB'],
    [12, 'count', '12'],
    [12, '', '12'],
    [12, 'tokens', '12tokens'],
  ])('prints %d %s as %s', (value, unit, text) => {
    expect(formatQuantity(value, unit)).toBe(text);
  });
});

describe('commonScale', () => {
  it.each([
    ['the unit of the smallest', [2_500_000_000, 40_000_000], 'nanoseconds', ['2500ms', '40ms']],
    [
      'a larger unit beside a far larger value',
      [9_000_000_000, 20_000_000],
      'nanoseconds',
      ['9s', '0.02s'],
    ],
    ['no unit for counts', [12_000_000, 1], 'count', ['12000000', '1']],
    ['zeros left aside', [0, 3_000_000], 'nanoseconds', ['0', '3ms']],
    ['only zeros', [0, 0], 'bytes', ['0', '0']],
  ])('takes %s', (_, values, unit, texts) => {
    expect(values.map(commonScale(values, unit))).toEqual(texts);
  });
});

describe('formatPercent', () => {
  it.each([
    [1, 1, '  100%'],
    [9_996, 10_000, '  100%'],
    [9_994, 10_000, '99.94%'],
    [1, 8, '12.50%'],
    [1, 100, ' 1.00%'],
    [99_6, 100_000, '    1%'],
    [1, 200, '  0.5%'],
    [37, 100_000, '0.037%'],
    [12, 1e9, '1.2e-06%'],
    [0, 5, '    0%'],
    [0, 0, '    0%'],
  ])('prints %d of %d as %s', (part, whole, text) => {
    expect(formatPercent(part, whole)).toBe(text);
  });
});
