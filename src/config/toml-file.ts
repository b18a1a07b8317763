/** Reads a TOML file and knows the line on which a key stands. */
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { CONFIG_VARIABLE, readVariable, variableSource } from './environment.ts';
import type { Problems } from './settings.ts';

export type Table = Readonly<Record<string, unknown>>;

export interface TomlFile {
  readonly table: Table;
  /** `file ./spanprof.toml:12` for the statement that sets `keys`. */
  source(keys: readonly string[]): string;
}

type Parse = (text: string) => Table;

const DEFAULT_FILE = './spanprof.toml';

/** A hundred times what a full configuration takes; a wrong path must not read a disk image into memory. */
const MAX_FILE_BYTES = 256 * 1024;

/** No statement of a configuration is longer; the search for a line gives up there. */
const MAX_STATEMENT_LINES = 200;

/** The file `SPANPROF_CONFIG` names, else `./spanprof.toml` if there; `undefined` without one or with a bad one. */
export function readTomlFile(
  env: NodeJS.ProcessEnv,
  cwd: string,
  problems: Problems,
): TomlFile | undefined {
  const named = readVariable(env, CONFIG_VARIABLE);
  const shown = named ?? DEFAULT_FILE;
  const path = resolve(cwd, shown);
  if (named === undefined && !isThere(path)) return undefined;
  let text: string;
  try {
    const { size } = checkedFile(path);
    if (size > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES} bytes`);
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const source = named === undefined ? `file ${shown}` : variableSource(CONFIG_VARIABLE);
    problems.add('config file', `cannot read ${JSON.stringify(shown)}: ${reasonOf(error)}`, source);
    return undefined;
  }
  return parseToml(text, shown, problems);
}

function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // Not even allowed to look: as good as not there, nobody named it.
  }
}

function checkedFile(path: string): { size: number } {
  const stats = statSync(path);
  // A pipe or a device would block the start or never end.
  if (!stats.isFile()) throw new Error('not a regular file');
  return stats;
}

/** Parses `text`; a syntax error becomes a problem with its line and no words from the file. */
export function parseToml(text: string, shown: string, problems: Problems): TomlFile | undefined {
  let parse: Parse;
  let table: Table;
  try {
    // Loaded here, not at the top: most processes have no file, and each start pays for what it loads.
    parse = (createRequire(import.meta.url)('smol-toml') as { parse: Parse }).parse;
    table = parse(text);
  } catch (error) {
    const at = lineAndColumn(error);
    const where = at === undefined ? `file ${shown}` : `file ${shown}:${at.line}`;
    const column = at === undefined ? '' : ` (column ${at.column})`;
    problems.add('config file', `not valid TOML: ${reasonOf(error)}${column}`, where);
    return undefined;
  }
  let lines: ReadonlyMap<string, number> | undefined;
  return {
    table,
    source: (keys) => {
      lines ??= linesByKeys(text, parse);
      const line = lines.get(keys.join('\0'));
      return line === undefined ? `file ${shown}` : `file ${shown}:${line}`;
    },
  };
}

/** The first line of an error's message: smol-toml's next ones quote the file, secrets and all. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown }).code;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'not UTF-8';
  return (message.split('\n', 1)[0] ?? '').replace('Invalid TOML document: ', '');
}

function lineAndColumn(error: unknown): { line: number; column: number } | undefined {
  const { line, column } = error as { line?: unknown; column?: unknown };
  return typeof line === 'number' && typeof column === 'number' ? { line, column } : undefined;
}

/**
 * The line of every key and table, keys joined by NUL. The parser gives no positions, so it is asked
 * for the smallest runs of lines that parse by themselves: each is one statement. Elements of an
 * array of tables share the lines of the first. Runs only to word a problem.
 */
function linesByKeys(text: string, parse: Parse): Map<string, number> {
  const lineOf = new Map<string, number>();
  let header: readonly string[] = [];
  let statement: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    statement.push(line);
    if (statement.length > MAX_STATEMENT_LINES) break;
    let table: Table;
    try {
      table = parse(statement.join('\n'));
    } catch {
      continue; // Not yet whole.
    }
    const firstLine = index + 2 - statement.length;
    const isHeader = /^\s*\[/.test(statement[0] ?? '');
    const paths = keyPaths(table);
    if (isHeader) header = paths.at(-1) ?? [];
    for (const path of paths) {
      const keys = (isHeader ? path : [...header, ...path]).join('\0');
      if (!lineOf.has(keys)) lineOf.set(keys, firstLine);
    }
    statement = [];
  }
  return lineOf;
}

/** Every path in a table, parents before children: `a`, `a.b`, `a.b.c`. */
function keyPaths(table: Table, above: readonly string[] = []): (readonly string[])[] {
  return Object.entries(table).flatMap(([key, value]) => {
    const path = [...above, key];
    const inner: unknown = Array.isArray(value) ? value[0] : value;
    const isTable = typeof inner === 'object' && inner !== null && !(inner instanceof Date);
    return [path, ...(isTable && !Array.isArray(inner) ? keyPaths(inner as Table, path) : [])];
  });
}
