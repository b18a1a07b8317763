/** docs/architecture.md against the sources. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { rows } from '../helpers/imports.ts';
import { root } from '../helpers/programs.ts';
import { read, section, tableRows } from './pages.ts';

const page = read('docs/architecture.md');

test('every file and folder it names exists', () => {
  const named =
    page.match(/\b(?:src|native|test|scripts|docs|bench|examples)\/[\w./-]*[\w/]/g) ?? [];
  expect(named.length).toBeGreaterThan(30);
  expect([...new Set(named)].filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

test('the table of rooms lists every room of src/ at its layer', () => {
  const described = tableRows(section(page, '## Rooms')).map(
    ([room = '', , layer = '']) => [room.replaceAll('`', ''), Number(layer)] as const,
  );
  const found = readdirSync(join(root, 'src')).map(
    (name) =>
      [name, rows.findIndex((rooms) => rooms.includes(name.replace(/\.c?ts$/, ''))) + 1] as const,
  );
  expect([...described].sort()).toEqual([...found].sort());
  const layers = described.map(([, layer]) => layer);
  expect(layers).toEqual(layers.toSorted((a, b) => a - b));
});

test('the mechanisms of the slot are those of the code', () => {
  const named = tableRows(section(page, '## The slot')).map(([name]) => name);
  const type = /type SlotMechanism = ([^;]+);/.exec(read('src/attribution/slot.ts'))?.[1] ?? '';
  expect(named).toEqual(type.split(' | ').map((name) => name.replaceAll("'", '`')));
});

test('the signals it names are those that are watched', () => {
  const list = /const SIGNALS = \[([^\]]+)\]/.exec(read('src/process-end.ts'))?.[1] ?? '';
  expect(page).toContain(`| ${list.replaceAll("'", '')}, the program has no listener |`);
});

const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2 };
const bounds = tableRows(section(page, '## What is bounded by what')).map(
  ([what = '', bound = '', setBy = '']) => {
    const [, constant = '', file = ''] = /^`(\w+)` in `([\w./-]+)`$/.exec(setBy) ?? [];
    return { what, bound, constant, file };
  },
);

test.each(bounds)('the bound "$bound" of "$what" is $constant', ({ bound, constant, file }) => {
  const inCode = numberOf(constant, file);
  expect(inCode).toBeGreaterThan(0);
  const [, digits, unit = ''] = /^([\d,]+) ?(\w*)/.exec(bound) ?? [];
  // A bound may also be an option, named by its path.
  if (digits === undefined) expect(bound).toMatch(/^`\w+\.\w+`/);
  else expect(Number(digits.replaceAll(',', '')) * (UNITS[unit] ?? 1)).toBe(inCode);
});

test('the table of bounds is there', () => {
  expect(bounds.length).toBeGreaterThan(15);
});

/** A constant of a source file: a number, or a product of numbers and constants there or imported there. */
function numberOf(constant: string, file: string): number {
  const source = read(file);
  const from = new RegExp(`import {[^}]*\\b${constant}\\b[^}]*} from '(.*?)'`).exec(source)?.[1];
  if (from !== undefined) return numberOf(constant, join(dirname(file), from));
  const text = new RegExp(
    `const(?:expr \\w+)? ${constant}(?:: \\w+)? = (?:\\w+\\()?([\\w *]+)\\)?;`,
  ).exec(source);
  if (text === null) throw new Error(`${constant} is not a constant of ${file}`);
  return (text[1] ?? '').split('*').reduce((product, factor) => {
    const word = factor.trim();
    const number = Number(word.replaceAll('_', ''));
    return product * (Number.isNaN(number) ? numberOf(word, file) : number);
  }, 1);
}
