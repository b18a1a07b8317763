/** Notes that spanprof keeps on objects of others. */
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Notes } from '../../src/otel/notes.ts';

class Span {
  readonly name = 'span';
}

const kinds: [string, () => object][] = [
  ['an instance', () => new Span()],
  ['a frozen object', () => Object.freeze({ name: 'frozen' })],
  ['one without a prototype', () => Object.create(null)],
  ['a proxy that refuses everything', () => new Proxy(new Span(), refusing())],
];

function refusing(): ProxyHandler<object> {
  const refuse = (): never => {
    throw new Error('refused');
  };
  return { defineProperty: refuse, set: refuse, has: refuse, getOwnPropertyDescriptor: refuse };
}

test.each(kinds)('%s takes a note, and another one instead', (_, create) => {
  const notes = new Notes<{ readonly text: string }>();
  const [one, other] = [create(), create()];
  expect(notes.get(one)).toBeUndefined();
  const first = { text: 'first' };
  notes.set(one, first);
  expect(notes.get(one)).toBe(first);
  expect(notes.get(other)).toBeUndefined();
  const second = { text: 'second' };
  notes.set(one, second);
  expect(notes.get(one)).toBe(second);
});

test('of each other they know nothing, and nobody else sees them', () => {
  const [notes, others] = [new Notes<object>(), new Notes<object>()];
  const span = new Span();
  notes.set(span, { secret: true });
  expect(others.get(span)).toBeUndefined();
  expect(Reflect.ownKeys(span)).toEqual(['name']);
  expect(inspect(span, { showHidden: true })).toBe("Span { name: 'span' }");
  expect(structuredClone(span)).toEqual({ name: 'span' });
});
