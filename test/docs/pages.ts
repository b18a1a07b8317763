import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../helpers/programs.ts';

/** Text of a file of the checkout. */
export const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Every page written for people, by its path in the checkout. */
export const pages: readonly string[] = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'native/README.md'],
  'examples/agent-service/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll('\\', '/')}`)
    .sort(),
];

/** The text below a heading, up to the next one of the same or a higher level. */
export function section(page: string, heading: string): string {
  const level = heading.indexOf(' ');
  const lines = withoutCode(page).split('\n');
  const start = lines.indexOf(heading);
  if (start === -1) throw new Error(`no heading "${heading}"`);
  const length = lines
    .slice(start + 1)
    .findIndex((line) => /^#+ /.test(line) && line.indexOf(' ') <= level);
  const end = length === -1 ? lines.length : start + 1 + length;
  return page
    .split('\n')
    .slice(start + 1, end)
    .join('\n');
}

/** Fenced blocks of one language. */
export function fenced(page: string, language: string): string[] {
  return Array.from(page.matchAll(/^```(\w*)\n(.*?)^```$/gms))
    .filter((match) => match[1] === language)
    .map((match) => match[2] ?? '');
}

/** Rows of all tables, cells trimmed, without headings and rules. */
export function tableRows(page: string): string[][] {
  const lines = withoutCode(page).split('\n');
  return lines.flatMap((line, i) => {
    const isHeading = /^\|[-| ]+\|$/.test(lines[i + 1] ?? '');
    if (!line.startsWith('|') || isHeading || /^\|[-| ]+\|$/.test(line)) return [];
    return [
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ];
  });
}

/** Everything in backticks outside of blocks. */
export function codeSpans(page: string): string[] {
  return Array.from(withoutCode(page).matchAll(/`([^`\n]+)`/g), (match) => match[1] ?? '');
}

/** The page with the lines of fenced blocks emptied, so that line numbers stay. */
export function withoutCode(page: string): string {
  return page.replace(/^```.*?^```$/gms, (block) => block.replace(/[^\n]+/g, ''));
}
