/** The example of docs/bills.md prints what the page says, and the page names every figure. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NO_USAGE } from '../../src/attribution/usage.ts';
import { root, runProgram } from '../helpers/programs.ts';
import { fenced, read, section, tableRows } from './pages.ts';

const page = read('docs/bills.md');

test('the example prints what the page says', async () => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache/bills-'));
  try {
    const file = join(folder, 'example.mjs');
    const [example = ''] = fenced(page, 'js');
    writeFileSync(file, example.replace("from 'spanprof'", "from '../../dist/index.js'"));
    const { stdout, stderr } = await runProgram(file);
    expect(stderr).toBe('');
    expect(stdout.trim()).toBe(fenced(page, 'text')[0]?.trim());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the table names every figure and its method', () => {
  const rows = tableRows(section(page, '## The figures'));
  const named = rows.map(([figure = '']) => figure.replaceAll('`', ''));
  expect(named).toEqual(
    Object.keys(NO_USAGE.method).sort((a, b) => named.indexOf(a) - named.indexOf(b)),
  );
  for (const [figure = '', , method = ''] of rows) {
    const key = figure.replaceAll('`', '') as keyof typeof NO_USAGE.method;
    if (!method.startsWith('as ')) expect(method, key).toContain(`\`${NO_USAGE.method[key]}\``);
  }
});
