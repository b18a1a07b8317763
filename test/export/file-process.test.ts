import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseProfileFileName } from '../../src/export/file-name.ts';
import { withFolder } from '../helpers/programs.ts';

const sources = path.resolve(import.meta.dirname, '../../src');
const writer = path.join(import.meta.dirname, 'file-writer.mjs');
const KILLS = 25;
const EXITS = 15;

let folder = '';
let exporterModule = '';
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'spanprof-writer-'));
  fs.writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
  exporterModule = compileWithImports('export/file.ts', folder);
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

test(`after ${KILLS} kills at random moments every file is whole`, async () => {
  await withFolder(async (directory) => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const child = start(directory, 'forever');
      await once(child.stdout, 'data');
      await wait(Math.random() * 60);
      child.kill('SIGKILL');
      const [, signal] = await once(child, 'exit');
      expect(signal).toBe('SIGKILL');
    }
    const names = fs.readdirSync(directory);
    const profiles = names.filter((name) => name.endsWith('.gz'));
    expect(profiles.length).toBeGreaterThanOrEqual(20);
    for (const name of profiles) {
      expect(parseProfileFileName(name), name).toBeDefined();
      const length = gunzipSync(fs.readFileSync(path.join(directory, name))).byteLength;
      expect([1_000, 60_000, 2_000_000]).toContain(length);
    }
    // What a kill cut short is hidden, and will be cleaned up.
    for (const name of names.filter((name) => !profiles.includes(name))) {
      expect(name).toMatch(/^\.spanprof-\d+-[0-9a-f]{16}\.tmp$/);
    }
    // Each process kept to the bound for itself when it began, so all of them together do.
    expect(profiles.length).toBeLessThanOrEqual(20 + 4);
  });
});

test('what was being written when the process exits is stored once, without remains', async () => {
  for (let exit = 0; exit < EXITS; exit += 1) {
    await withFolder(async (directory) => {
      const child = start(directory, 'exit');
      const [code] = await once(child, 'exit');
      expect(code).toBe(0);
      const names = fs.readdirSync(directory).sort();
      expect(names).toHaveLength(4);
      for (const name of names) {
        expect(parseProfileFileName(name), name).toBeDefined();
        expect(gunzipSync(fs.readFileSync(path.join(directory, name)))).toHaveLength(2_000_000);
      }
    });
  }
});

function start(directory: string, mode: 'forever' | 'exit') {
  return spawn(process.execPath, [writer, exporterModule, directory, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {},
  });
}

/** Node 20 cannot run TypeScript: puts JavaScript of a source and all it imports into a folder. */
function compileWithImports(source: string, target: string): string {
  const output = path.join(target, source.replace(/\.ts$/, '.js'));
  if (fs.existsSync(output)) return output;
  const text = fs.readFileSync(path.join(sources, source), 'utf8');
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  });
  fs.mkdirSync(path.dirname(output), { recursive: true });
  fs.writeFileSync(output, outputText);
  for (const { fileName } of ts.preProcessFile(text).importedFiles) {
    if (fileName.startsWith('.')) {
      compileWithImports(path.join(path.dirname(source), fileName), target);
    }
  }
  return output;
}
