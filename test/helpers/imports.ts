import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

/**
 * The rooms of `src/`, from the bottom up. A room may import from the rows above its own in this
 * list and from itself; never from its neighbours in the same row.
 */
export const rows: readonly (readonly string[])[] = [
  ['errors', 'units', 'shared', 'version', 'package-files', 'builtins', 'label-condition'],
  ['native', 'report'],
  ['profile', 'config'],
  ['pages'],
  ['cpu', 'memory', 'attribution', 'sourcemaps'],
  ['endpoint', 'export', 'otel', 'cli', 'process-figures'],
  ['status', 'process-end', 'window-clock', 'recording'],
  ['running'],
  ['agent'],
  ['register', 'index', 'handler'],
];

/** Path below `src/` with forward slashes → source. */
export type Sources = ReadonlyMap<string, string>;

export function readSources(folder: string): Sources {
  const sources = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (entry.endsWith('.ts')) {
      sources.set(entry.replaceAll('\\', '/'), readFileSync(join(folder, entry), 'utf8'));
    }
  }
  return sources;
}

/** Everything that breaks the rules of the house, one line each; empty if all is well. */
export function violations(sources: Sources, dependencies: readonly string[]): string[] {
  const found: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [file, source] of sources) {
    const targets: string[] = [];
    for (const specifier of importsOf(source)) {
      if (specifier.startsWith('.')) {
        const target = posix.join(posix.dirname(file), sourceOf(specifier, source));
        if (!sources.has(target)) found.push(`${file}: ${specifier} is not a file of src`);
        else targets.push(target);
      } else {
        found.push(...badPackages(file, specifier, dependencies));
      }
    }
    graph.set(file, targets);
    found.push(...badTargets(file, targets));
    if (file !== 'native.ts' && /\.node['"`]|\bdlopen\b/.test(source)) {
      found.push(`${file}: only native.ts may load an addon`);
    }
  }
  return [...found, ...cycles(graph)];
}

/** `require` takes the compiled file by its name; an import names the source. */
function sourceOf(specifier: string, source: string): string {
  return source.includes(`require('${specifier}')`) ? specifier.replace(/\.js$/, '.ts') : specifier;
}

/** Specifiers of all imports: static, type-only, re-exporting, dynamic, `require`. */
function importsOf(source: string): string[] {
  return ts.preProcessFile(source, true, true).importedFiles.map(({ fileName }) => fileName);
}

function badTargets(file: string, targets: readonly string[]): string[] {
  const row = rowOf(file);
  if (row === -1) return [`${file}: room ${roomOf(file)} has no place in the house`];
  return targets
    .filter((target) => roomOf(target) !== roomOf(file) && rowOf(target) >= row)
    .map((target) => `${file} imports ${target}: ${roomOf(target)} is not below ${roomOf(file)}`);
}

function badPackages(file: string, specifier: string, dependencies: readonly string[]): string[] {
  if (specifier.startsWith('node:')) return [];
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const bad: string[] = [];
  if (!dependencies.includes(name)) bad.push(`${file}: ${name} is not a dependency`);
  if (name.startsWith('@opentelemetry/') && roomOf(file) !== 'otel') {
    bad.push(`${file}: only otel may import ${name}`);
  }
  return bad;
}

/** `cpu/sampler.ts` is in room cpu, `agent.ts` is room agent. */
function roomOf(file: string): string {
  return (file.split('/')[0] ?? '').replace(/\.ts$/, '');
}

function rowOf(file: string): number {
  return rows.findIndex((rooms) => rooms.includes(roomOf(file)));
}

/** Each cycle once, as the path that closes it. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    if (path.includes(file)) {
      found.push(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const target of graph.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return found;
}
