import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const moduleFolder = join(root, 'test/tools/pprof-check');
const outputBytes = 64 * 1024 * 1024;

/** What Go's own profile package read from one file. */
export interface ProfileCheck {
  readonly file: string;
  /** Set if the file is not a valid profile; the rest is empty then. */
  readonly error?: string;
  readonly sampleTypes: readonly { readonly type: string; readonly unit: string }[];
  readonly periodType: { readonly type: string; readonly unit: string } | null;
  readonly period: number;
  readonly timeNanos: number;
  readonly durationNanos: number;
  readonly comments: readonly string[];
  readonly samples: number;
  /** One sum per sample type. */
  readonly totals: readonly number[];
  /** Label key → value (numbers in decimal) → one sum per sample type. */
  readonly labels: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  readonly functions: readonly {
    readonly name: string;
    readonly file: string;
    readonly startLine: number;
    readonly line: number;
  }[];
}

/**
 * True if the Go toolchain is on the PATH. Tests that need it skip themselves otherwise, except
 * under `TEST_REQUIRE_TOOLS=1`, as in CI, where a missing tool is an error.
 */
export const goAvailable: boolean = (() => {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env['TEST_REQUIRE_TOOLS'] === '1') {
      throw new Error('the Go toolchain is required here and is not on the PATH', { cause: error });
    }
    return false;
  }
})();

/** Reads profiles with Go. Invalid ones come back with `error` set; rejects if Go cannot run. */
export async function readWithGo(files: readonly string[]): Promise<ProfileCheck[]> {
  if (files.length === 0) return [];
  const command = await checker();
  try {
    return JSON.parse(await outputOf(command, files)) as ProfileCheck[];
  } catch (error) {
    // Exit code 1 says that a file is invalid; the summaries are on stdout all the same.
    const failure = error as { code?: unknown; stdout?: unknown };
    if (failure.code === 1 && typeof failure.stdout === 'string') {
      return JSON.parse(failure.stdout) as ProfileCheck[];
    }
    throw error;
  }
}

/** The output of `go tool pprof` with these arguments. Rejects with its stderr if it fails. */
export function goToolPprof(args: readonly string[]): Promise<string> {
  return outputOf('go', ['tool', 'pprof', '-symbolize=none', ...args]);
}

async function outputOf(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(command, args, { maxBuffer: outputBytes });
  return stdout;
}

/** The checker's binary, built once per version of its source; safe to ask for from many processes. */
async function checker(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of ['main.go', 'go.mod', 'go.sum']) {
    hash.update(readFileSync(join(moduleFolder, name)));
  }
  const folder = join(root, '.cache/pprof-check');
  const binary = join(folder, hash.digest('hex').slice(0, 16));
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  const unfinished = `${binary}.${process.pid}`;
  await run('go', ['build', '-o', unfinished, '.'], { cwd: moduleFolder });
  renameSync(unfinished, binary);
  return binary;
}
