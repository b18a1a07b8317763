/** The pages of docs/decisions/: numbered, of one form, one page each. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../helpers/programs.ts';
import { read } from './pages.ts';

const HEADINGS = ['Context', 'Decision', 'Consequences', 'What would make us reconsider'];
/** What fits on a printed page. */
const MAX_LINES = 70;

const names = readdirSync(join(root, 'docs/decisions')).sort();

test('they are numbered without a gap', () => {
  expect(names.length).toBeGreaterThanOrEqual(8);
  expect(names.map((name) => name.slice(0, 5))).toEqual(
    names.map((_, i) => `${String(i + 1).padStart(4, '0')}-`),
  );
});

describe.each(names)('%s', (name) => {
  const text = read(`docs/decisions/${name}`);

  test('has its number, a title and the four parts', () => {
    expect(text).toMatch(new RegExp(`^# ${name.slice(0, 4)}: \\S`));
    expect(Array.from(text.matchAll(/^## (.*)$/gm), ([, heading]) => heading)).toEqual(HEADINGS);
    expect(text.split('\n').length).toBeLessThanOrEqual(MAX_LINES);
  });

  test('every file and folder it names exists', () => {
    const files = text.match(/\b(?:src|native|test|scripts|docs|bench)\/[\w./-]*[\w/]/g) ?? [];
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});
