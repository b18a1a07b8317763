/** Makes real generated files with real maps: the compilers that people use, into a folder of its own. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { rollup } from 'rollup';
import ts from 'typescript';

/** A fresh folder; its real path, as V8 reports real paths. */
export function temporaryFolder(): string {
  return fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'spanprof-maps-')));
}

export function write(folder: string, name: string, text: string | Uint8Array): string {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  return file;
}

/** Two blank lines and types that vanish: generated and original positions differ. */
export const PROGRAM = `
interface Order { readonly items: number; readonly price: number }

type Total = number;

export function totalOf(order: Order): Total {
  return order.items * order.price;
}

export class Basket {
  readonly orders: Order[] = [];
  sum(): Total {
    return this.orders.reduce((total: Total, order: Order) => total + totalOf(order), 0);
  }
}
`;

/** Compiles TypeScript to CommonJS beside it, as `tsc` would; gives the path of the output. */
export function compile(
  source: string,
  options: ts.CompilerOptions = { sourceMap: true },
  output = source.replace(/\.ts$/, '.js'),
): string {
  const result = ts.transpileModule(fs.readFileSync(source, 'utf8'), {
    fileName: path.basename(source),
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, ...options },
  });
  fs.mkdirSync(path.dirname(output), { recursive: true });
  fs.writeFileSync(output, result.outputText);
  if (result.sourceMapText !== undefined) fs.writeFileSync(`${output}.map`, result.sourceMapText);
  return output;
}

/** Bundles modules into one file with a map. */
export async function bundle(entry: string, output: string): Promise<string> {
  const build = await rollup({ input: entry, onLog: () => {} });
  await build.write({ file: output, format: 'cjs', sourcemap: true });
  await build.close();
  return output;
}

/** 1-based line and column of the only place where a text occurs. */
export function positionOf(file: string, text: string): { line: number; column: number } {
  const content = fs.readFileSync(file, 'utf8');
  const at = content.indexOf(text);
  if (at === -1 || content.indexOf(text, at + 1) !== -1) {
    throw new Error(`${JSON.stringify(text)} does not occur exactly once in ${file}`);
  }
  const before = content.slice(0, at).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}
