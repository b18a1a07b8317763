/** What README.md promises is what the package holds. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { OPTIONS } from '../../src/config/schema.ts';
import { parseProfileFileName } from '../../src/export/file-name.ts';
import { SAMPLE_TYPES } from '../../src/profile/model.ts';
import { VERSION } from '../../src/version.ts';
import { root } from '../helpers/programs.ts';
import { codeSpans, fenced, read, section, tableRows } from './pages.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly engines: { readonly node: string };
  readonly scripts: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
}
const manifest = JSON.parse(read('package.json')) as Manifest;
const nodes = Object.keys(JSON.parse(read('scripts/nodes.json')) as Record<string, string>);
const readme = read('README.md');

test('the version in the code is that of the package', () => {
  expect(VERSION).toBe(manifest.version);
});

test('the command under "Tests" is the one CI takes', () => {
  expect(fenced(section(readme, '## Tests'), 'sh')).toEqual(['npm ci && npm test\n']);
});

describe('commands', () => {
  const commands = [...fenced(readme, 'sh').join('\n').split('\n'), ...codeSpans(readme)];

  test('scripts exist', () => {
    const named = commands.flatMap((line) =>
      Array.from(line.matchAll(/npm (?:run )?([\w:]+)/g), (match) => match[1] ?? ''),
    );
    expect(named).toEqual(expect.arrayContaining(['demo', 'test', 'install']));
    const own = named.filter((name) => !['ci', 'install'].includes(name));
    expect(own.filter((name) => !(name in manifest.scripts))).toEqual([]);
  });

  test('files exist', () => {
    const files = commands.flatMap(
      (line) => line.match(/\b(?:bench|scripts|docs)\/[\w./-]+/g) ?? [],
    );
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test('the package and its preload have the names used', () => {
    expect(readme).toContain(`npm install ${manifest.name}\n`);
    expect(readme).toContain(`--require ${manifest.name}/register app.js`);
    expect(manifest.exports).toHaveProperty(['./register']);
    expect(readme).toContain(`[${manifest.license}](LICENSE)`);
  });
});

test('the Nodes are those of package.json and of scripts/nodes.json', () => {
  const oldest = manifest.engines.node.replace('>=', '');
  expect(readme).toContain(`Node.js ${oldest} or newer`);
  expect(readme).toContain(`Node older than ${oldest}`);
  expect(readme).toContain(`other Node from ${oldest} on`);
  expect(readme).toContain(`Node ${nodes.slice(0, -1).join(', ')} and ${nodes.at(-1)}`);
  expect(readme).toContain(`glibc 2.28 or newer, Node ${nodes.join(', ')} |`);
  expect(read('scripts/build-addon.mjs')).toContain("GLIBC: '2.28'");
});

test('the values of each profile type are those of the model', () => {
  const rows = tableRows(section(readme, '## What a profile contains'));
  const named = rows.filter(([type = '']) => type.replaceAll('`', '') in SAMPLE_TYPES);
  expect(named.map(([type, values]) => [type, values])).toEqual(
    (['cpu', 'wall', 'heap', 'allocs'] as const).map((type) => [
      `\`${type}\``,
      SAMPLE_TYPES[type].map((value) => `\`${value.type}/${value.unit}\``).join(', '),
    ]),
  );
});

test('frames in parentheses are those that V8 and the CPU engine give', () => {
  const engine =
    read('src/cpu/native-engine.ts') +
    read('native/cpu_sampler.cc') +
    read('src/memory/native-engine.ts');
  const ofV8 = ['(garbage collector)', '(program)'];
  const named = tableRows(section(readme, '## What a profile contains')).flatMap(([name = '']) =>
    name.startsWith('`(') ? [name.replaceAll('`', '')] : [],
  );
  expect(named).toHaveLength(6);
  expect(named.filter((name) => !ofV8.includes(name) && !engine.includes(name))).toEqual([]);
});

test('the defaults shown are those of the schema', () => {
  const shown = tableRows(section(readme, '## API and configuration'));
  expect(shown).toHaveLength(5);
  for (const [name = '', value = ''] of shown) {
    const entry = OPTIONS.find(({ variable }) => variable === name.replaceAll('`', ''));
    expect(entry, name).toBeDefined();
    const option = entry?.option;
    expect(value.replaceAll('`', '')).toBe(
      (option?.fallbackText ?? String(option?.fallback)).replaceAll('`', ''),
    );
  }
  const bounds = ['file.maxFiles', 'file.maxBytes'].map(
    (path) => OPTIONS.find((entry) => entry.path === path)?.option.fallback,
  );
  expect(bounds).toEqual([1000, 512 * 1024 * 1024]);
  expect(readme).toContain('at most 1,000 files and 512 MiB');
});

test('the names of files in the demo are names of profiles', () => {
  const names = fenced(readme, 'text')[0]?.match(/\S+\.pb\.gz/g) ?? [];
  expect(names).toHaveLength(3);
  expect(names.map((name) => parseProfileFileName(name)?.profileType)).toEqual([
    ...['cpu', 'heap', 'wall'],
  ]);
});
