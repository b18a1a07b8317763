/** docs/endpoint.md against the code. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { FORMATS } from '../../src/endpoint/query.ts';
import { root } from '../helpers/programs.ts';
import { fenced, read } from './pages.ts';

const page = read('docs/endpoint.md');

test('it names every format', () => {
  const [, row = ''] = /^\| `format` \| (.*);/m.exec(page) ?? [];
  const named = Array.from(row.matchAll(/`([\w-]+)`/g), ([, name]) => name);
  // `data` is between our page and our server.
  expect(named).toEqual(
    expect.arrayContaining(Object.keys(FORMATS).filter((name) => name !== 'data')),
  );
});

test('it names every parameter and every bound', () => {
  const [, names = ''] = /const NAMES = '([^']+)'/.exec(read('src/endpoint/query.ts')) ?? [];
  const parameters = names.split(/, | and /);
  expect(parameters.length).toBeGreaterThan(8);
  expect(parameters.filter((name) => !page.includes(`\`${name}`))).toEqual([]);
  expect(page).toContain('0.1 to 600');
  expect(read('src/endpoint/query.ts')).toContain('const SECONDS = { from: 0.1, to: 600 }');
  expect(page).toContain('128 profiles are being taken');
  expect(read('src/endpoint/collector.ts')).toContain('const MAX_PARALLEL = 128');
});

test('its example compiles', () => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache/docs-'));
  try {
    const files = fenced(page, 'ts').map((example, i) => {
      const file = join(folder, `${i}.mts`);
      writeFileSync(
        file,
        example.replaceAll("from 'spanprof/endpoint'", "from '../../src/handler.ts'"),
      );
      return file;
    });
    expect(files.length).toBeGreaterThan(0);
    const program = ts.createProgram(files, {
      ...{ strict: true, noEmit: true, skipLibCheck: true, exactOptionalPropertyTypes: true },
      ...{ allowImportingTsExtensions: true, types: ['node'] },
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
    });
    const messages = files.flatMap((file) =>
      ts
        .getPreEmitDiagnostics(program, program.getSourceFile(file))
        .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
    );
    expect(messages).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
