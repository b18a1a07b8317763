import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSources } from './helpers/imports.ts';
import { root } from './helpers/programs.ts';

type Versions = Readonly<Record<string, string>>;
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  engines: { node: string };
  dependencies: Versions;
  devDependencies: Versions;
};
const page = read('docs/dependencies.md');
const [forUsers = '', forDevelopment = ''] = page.split('## For development');

/** Every package named in the first column of a table, without Go's. */
function firstColumn(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `') && !line.includes('(Go)'))
    .flatMap((line) => Array.from(line.split('|')[1]?.matchAll(/`([^`]+)`/g) ?? [], (m) => m[1]))
    .filter((name) => name !== undefined);
}

test('docs/dependencies.md lists the dependencies, no more and no less', () => {
  expect(firstColumn(forUsers).sort()).toEqual(Object.keys(manifest.dependencies).sort());
  expect([...new Set(firstColumn(forDevelopment))].sort()).toEqual(
    Object.keys(manifest.devDependencies).sort(),
  );
});

test('every dependency is used by src/', () => {
  const sources = [...readSources(join(root, 'src')).values()].join('\n');
  const unused = Object.keys(manifest.dependencies).filter(
    (name) => !sources.includes(`'${name}'`),
  );
  expect(unused).toEqual([]);
});

test('the Nodes of the matrix, of package.json and of the prebuilt addons are the same', () => {
  const versions = JSON.parse(read('scripts/nodes.json')) as Versions;
  const majors = Object.keys(versions);
  expect(manifest.engines.node).toBe(`>=${majors[0]}.20`);
  for (const [major, version] of Object.entries(versions)) expect(version).toMatch(`${major}.`);
  const contributing = read('CONTRIBUTING.md');
  expect(contributing).toContain(`Node ${majors.slice(0, -1).join(', ')} and ${majors.at(-1)}`);
});

test('every command of CONTRIBUTING.md exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Versions };
  const named = Array.from(read('CONTRIBUTING.md').matchAll(/npm run ([\w:]+)/g), (m) => m[1]);
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((name) => name === undefined || !(name in scripts))).toEqual([]);
});

test('test/ has no focused or unconditionally skipped test', () => {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' });
  const found = files
    .filter((file) => file.endsWith('.test.ts') && !file.endsWith('dependencies.test.ts'))
    .filter((file) => /\b(test|it|describe)\.(only|skip|todo)\(/.test(read(join('test', file))));
  expect(found).toEqual([]);
});
