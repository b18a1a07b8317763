import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts';
import type { Options } from '../../src/config/schema.ts';

const made: string[] = [];

afterAll(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** A fresh directory with these files (path → text or bytes), removed after the test file. */
export function workspace(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'spanprof-config-')));
  made.push(directory);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
}

export interface Given {
  /** Typed loosely on purpose: most tests pass what the types forbid. */
  readonly options?: unknown;
  readonly env?: Readonly<Record<string, string>>;
  /** Text of ./spanprof.toml. */
  readonly toml?: string | Uint8Array;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

/** Loads in a fresh directory; the environment is only what is given. */
export function load(given: Given = {}): LoadedConfig & { readonly cwd: string } {
  const toml = given.toml === undefined ? {} : { 'spanprof.toml': given.toml };
  const cwd = workspace({ ...given.files, ...toml });
  const loaded = loadConfig({
    options: given.options as Options | undefined,
    env: { ...given.env },
    cwd,
  });
  return { ...loaded, cwd };
}
