/** docs/api.md against src/index.ts, and every example in it and in README.md compiles. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../helpers/programs.ts';
import { fenced, read } from './pages.ts';

const page = read('docs/api.md');
const readme = read('README.md');
const compilerOptions: ts.CompilerOptions = {
  ...{ strict: true, noEmit: true, skipLibCheck: true, isolatedModules: true },
  exactOptionalPropertyTypes: true,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  allowImportingTsExtensions: true,
  // An application has no index signature rule for labels, and the sources need theirs.
  types: ['node'],
};

let folder = '';
let program: ts.Program;
const examples = [...fenced(readme, 'ts'), ...fenced(page, 'ts')];

beforeAll(() => {
  // Inside the checkout, so that the examples find the sources and the types of Node.
  mkdirSync(join(root, '.cache'), { recursive: true });
  folder = mkdtempSync(join(root, '.cache/docs-'));
  const files = examples.map((example, i) => {
    const file = join(folder, `example-${i + 1}.mts`);
    writeFileSync(file, example.replaceAll("from 'spanprof'", "from '../../src/index.ts'"));
    return file;
  });
  const index = join(root, 'src/index.ts');
  program = ts.createProgram([...files, index], compilerOptions);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Exported names of src/index.ts: functions, and everything else. */
function exportsOfIndex(): { functions: string[]; others: string[] } {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(join(root, 'src/index.ts'));
  const module = source && checker.getSymbolAtLocation(source);
  const symbols = module === undefined ? [] : checker.getExportsOfModule(module);
  const isFunction = (symbol: ts.Symbol) => (symbol.flags & ts.SymbolFlags.Function) !== 0;
  return {
    functions: symbols.filter(isFunction).map(({ name }) => name),
    others: symbols.filter((symbol) => !isFunction(symbol)).map(({ name }) => name),
  };
}

test('every exported function has its place in the page, and README names it', () => {
  const { functions } = exportsOfIndex();
  expect(functions.length).toBeGreaterThan(5);
  const headings = Array.from(page.matchAll(/^### (.*)$/gm), ([, heading = '']) =>
    Array.from(heading.matchAll(/(?:^|and )`(\w+)\(/g), (match) => match[1]),
  ).flat();
  expect(headings.sort()).toEqual([...functions].sort());
  expect(functions.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

test('every exported type and class is named in the page', () => {
  const { others } = exportsOfIndex();
  expect(others).toEqual(expect.arrayContaining(['SpanprofError', 'Options', 'Status']));
  expect(others.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('every field of the status is named in the page', () => {
  const interfaceText =
    /export interface Status \{(.*?)^\}/ms.exec(read('src/status.ts'))?.[1] ?? '';
  const fields = Array.from(interfaceText.matchAll(/^ {2}readonly (\w+)/gm), (match) => match[1]);
  expect(fields.length).toBeGreaterThan(8);
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const named = rows.join('\n');
  expect(fields.filter((field) => !new RegExp(`\`${field}[.\`]`).test(named))).toEqual([]);
});

test('every example compiles', () => {
  expect(examples.length).toBeGreaterThanOrEqual(5);
  const messages = program.getSourceFiles().flatMap((source) => {
    if (!source.fileName.startsWith(folder)) return [];
    return ts
      .getPreEmitDiagnostics(program, source)
      .map(
        (found) =>
          `${basename(source.fileName)}: ${ts.flattenDiagnosticMessageText(found.messageText, '\n')}`,
      );
  });
  expect(messages).toEqual([]);
});

test('an example with a mistake does not', () => {
  const file = join(folder, 'mistake.mts');
  writeFileSync(file, `import { run } from '../../src/index.ts';\nrun({ a: true }, () => 1);\n`);
  const wrong = ts.createProgram([file], compilerOptions);
  expect(ts.getPreEmitDiagnostics(wrong, wrong.getSourceFile(file))).toHaveLength(1);
});
