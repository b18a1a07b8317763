/** Links lead somewhere, and what pages name exists. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CONFIG_VARIABLE } from '../../src/config/environment.ts';
import { OPTIONS } from '../../src/config/schema.ts';
import { ERRORS } from '../../src/errors.ts';
import { readSources } from '../helpers/imports.ts';
import { root } from '../helpers/programs.ts';
import { codeSpans, pages, read, withoutCode } from './pages.ts';

interface Link {
  readonly file: string;
  readonly anchor: string;
}

function linksOf(page: string): Link[] {
  const links = withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g);
  return Array.from(links, ([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor = ''] = target.split('#');
      return { file: path === '' ? page : join(dirname(page), path), anchor };
    });
}

/** What a heading is called in a link, as GitHub does it. */
function anchorsOf(page: string): string[] {
  return Array.from(withoutCode(read(page)).matchAll(/^#+ (.*)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

const sources = ['src', 'examples/agent-service/src']
  .flatMap((folder) => [...readSources(join(root, folder)).values()])
  .join('\n');
const known = new Set([...OPTIONS.map(({ variable }) => variable), CONFIG_VARIABLE]);

describe.each(pages)('%s', (page) => {
  test('every link leads to a file and a heading', () => {
    const dead = linksOf(page).filter(({ file, anchor }) => {
      if (!existsSync(join(root, file))) return true;
      return anchor !== '' && !anchorsOf(file).includes(anchor);
    });
    expect(dead).toEqual([]);
  });

  test('every variable, constant and error code it names exists', () => {
    const text = read(page);
    const variables = text.match(/\bSPANPROF_[A-Z_]+[A-Z]\b/g) ?? [];
    expect(variables.filter((name) => !known.has(name))).toEqual([]);
    const names = codeSpans(text).filter((name) => /^[A-Z]+(_[A-Z]+)+$/.test(name));
    const unknown = names.filter((name) => !known.has(name) && !(name in ERRORS));
    expect(unknown.filter((name) => !sources.includes(name))).toEqual([]);
  });
});

test('the pages link to each other', () => {
  const linked = new Set(pages.flatMap((page) => linksOf(page).map(({ file }) => file)));
  expect(linked.has('docs/decisions/') || linked.has('docs/decisions')).toBe(true);
  const alone = pages.filter((page) => !linked.has(page) && !page.startsWith('docs/decisions/'));
  expect(alone.filter((page) => page !== 'README.md')).toEqual([]);
});
