import { describe, expect, test } from 'vitest';
import {
  type LabelInput,
  MAX_LABELS,
  MAX_VALUE_LENGTH,
  mergeLabels,
  NO_LABELS,
} from '../../src/attribution/labels.ts';

function merge(own: LabelInput, parent = NO_LABELS): { labels: object; said: string[] } {
  const said: string[] = [];
  return { labels: mergeLabels(parent, own, (line) => said.push(line)), said };
}

test('strings and whole numbers are taken as they are', () => {
  expect(merge({ agent_name: 'ä ö ✓', step: -3, zero: 0 })).toEqual({
    labels: { agent_name: 'ä ö ✓', step: -3, zero: 0 },
    said: [],
  });
});

test('nothing new gives the parent itself', () => {
  const parent = Object.freeze({ a: 'x' });
  expect(merge({ a: 'x', b: undefined }, parent).labels).toBe(parent);
});

test('inherited names count, and a getter is asked by whoever keeps its value', () => {
  expect(
    merge(Object.create({ agent_name: 'base' }, { step: { value: 1, enumerable: true } })),
  ).toEqual({
    labels: { agent_name: 'base', step: 1 },
    said: [],
  });
  let asked = 0;
  const fickle = {
    get agent_name(): string | boolean {
      return asked++ === 0 ? 'first' : false;
    },
  };
  expect(merge(fickle as LabelInput).labels).toEqual({ agent_name: 'first' });
});

test('own values win over those around, which stay', () => {
  const parent = merge({ agent_name: 'outer', session_id: 's' }).labels as Record<string, string>;
  const { labels } = merge({ agent_name: 'inner', step: 1 }, parent);
  expect(labels).toEqual({ agent_name: 'inner', session_id: 's', step: 1 });
  expect(parent).toEqual({ agent_name: 'outer', session_id: 's' });
  expect(Object.isFrozen(labels)).toBe(true);
});

describe('what cannot be used is left out and said', () => {
  const cases: [string, unknown, string][] = [
    ['a fraction', 1.5, 'label "k" refused: expected a string or a safe integer, got 1.5'],
    ['not a number', Number.NaN, 'label "k" refused: expected a string or a safe integer, got NaN'],
    [
      'too large',
      2 ** 53,
      'label "k" refused: expected a string or a safe integer, got 9007199254740992',
    ],
    ['a boolean', true, 'label "k" refused: expected a string or a safe integer, got boolean'],
    ['an object', {}, 'label "k" refused: expected a string or a safe integer, got object'],
    ['a bigint', 5n, 'label "k" refused: expected a string or a safe integer, got bigint'],
    ['a symbol', Symbol('s'), 'label "k" refused: expected a string or a safe integer, got symbol'],
  ];
  test.each(cases)('%s', (_, value, message) => {
    const input = { k: value, good: 'kept' } as unknown as LabelInput;
    expect(merge(input)).toEqual({ labels: { good: 'kept' }, said: [message] });
  });

  test('keys', () => {
    const { labels, said } = merge({
      '': 'x',
      ['k'.repeat(65)]: 'x',
      'pprof::bytes': 'x',
      ok: 'x',
    });
    expect(labels).toEqual({ ok: 'x' });
    expect(said).toEqual([
      'label "" refused: keys have 1 to 64 characters',
      `label "${'k'.repeat(64)}" refused: keys have 1 to 64 characters`,
      'label "pprof::bytes" refused: the prefix "pprof::" is reserved',
    ]);
  });

  test('more than a scope carries', () => {
    const many = Object.fromEntries(Array.from({ length: MAX_LABELS + 2 }, (_, i) => [`k${i}`, i]));
    const { labels, said } = merge(many);
    expect(Object.keys(labels)).toHaveLength(MAX_LABELS);
    expect(said).toEqual([
      'label "k16" refused: a scope carries at most 16 labels',
      'label "k17" refused: a scope carries at most 16 labels',
    ]);
    // An inherited one may still be changed.
    expect(merge({ k0: 99 }, labels as Record<string, number>).labels).toMatchObject({ k0: 99 });
  });

  test('long values are cut', () => {
    const { labels, said } = merge({ k: 'x'.repeat(MAX_VALUE_LENGTH + 1) });
    expect(labels).toEqual({ k: 'x'.repeat(MAX_VALUE_LENGTH) });
    expect(said).toEqual(['label "k" refused: values are cut to 256 characters']);
  });

  test('a key that would reach the prototype', () => {
    const { labels } = merge(JSON.parse('{"__proto__":"x","constructor":"y"}'));
    expect(Object.getPrototypeOf(labels)).toBe(Object.prototype);
    expect(labels).toEqual({ constructor: 'y' });
  });
});
