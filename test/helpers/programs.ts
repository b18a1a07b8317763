import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The checkout. */
export const root: string = resolve(import.meta.dirname, '../..');
/** What `--require` and `--import` are given; written by `npm run build`. */
export const registerFile: string = join(root, 'dist/register.js');
/** The folder of the programs that tests run. */
export const programs: string = join(root, 'test/programs');

export interface RunOptions {
  /** Arguments after the file. */
  readonly args?: readonly string[];
  /** Added to a clean environment: nothing of the test runner or of spanprof is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments before the file. */
  readonly nodeArgs?: readonly string[];
  /** The binary; the one that runs the test by default. */
  readonly node?: string;
  /** The checkout by default. */
  readonly cwd?: string;
  /** The program is killed after that, and the run rejects. 60 s by default. */
  readonly timeoutMillis?: number;
  /** Called with everything written to stdout so far, each time something is written. */
  readonly onStdout?: (stdout: string, kill: (signal: NodeJS.Signals) => void) => void;
}

export interface RunResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly processId: number;
}

/** How a user puts spanprof before a program. */
export type Preload = 'require' | 'import' | 'NODE_OPTIONS';
export const preloads: readonly Preload[] = ['require', 'import', 'NODE_OPTIONS'];

/** The Node arguments and the environment of a preload; the file may contain spaces. */
export function preloadOptions(
  preload: Preload,
  register: string = registerFile,
): { nodeArgs: string[]; env: Record<string, string> } {
  if (preload === 'NODE_OPTIONS') {
    return { nodeArgs: [], env: { NODE_OPTIONS: `--require ${JSON.stringify(register)}` } };
  }
  return { nodeArgs: [`--${preload}`, register], env: {} };
}

/**
 * Runs a program in its own process to its end. Rejects only if it cannot be started or does not
 * end in time; a failing program is a result like any other.
 */
export function runProgram(file: string, options: RunOptions = {}): Promise<RunResult> {
  const timeoutMillis = options.timeoutMillis ?? 60_000;
  return new Promise((resolvePromise, reject) => {
    const child = spawn(
      options.node ?? process.execPath,
      [...(options.nodeArgs ?? []), file, ...(options.args ?? [])],
      {
        cwd: options.cwd ?? root,
        env: { ...cleanEnvironment(), ...options.env },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let stdout = '';
    let stderr = '';
    let late = false;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      options.onStdout?.(stdout, (signal) => child.kill(signal));
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMillis);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (late) {
        reject(
          new Error(`${file} did not end within ${timeoutMillis} ms\n${stdout}\n${stderr}`.trim()),
        );
        return;
      }
      resolvePromise({ code, signal, stdout, stderr, processId: child.pid ?? 0 });
    });
  });
}

/** The environment without what a test runner, npm or an earlier spanprof put into it. */
export function cleanEnvironment(): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(SPANPROF|VITEST|NODE_|npm_|TEST$|DEV$|PROD$|MODE$)/.test(name)) {
      clean[name] = value;
    }
  }
  return clean;
}

/** Calls `use` with a new empty folder and removes the folder afterwards, whatever happened. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'spanprof-test-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A profile file, taken apart by its name `<UTC start>-<service>-<pid>[.<thread>]-<type>.pb.gz`. */
export interface ProfileFile {
  readonly path: string;
  readonly name: string;
  readonly service: string;
  readonly processId: number;
  /** Undefined on the main thread. */
  readonly threadId: number | undefined;
  readonly profileType: string;
}

/**
 * The profiles in a folder, oldest first. A file that is not named like a profile is an error;
 * only a process or thread that was killed while it wrote may leave its temporary file behind.
 */
export function profileFiles(folder: string): ProfileFile[] {
  return readdirSync(folder)
    .filter((name) => !/^\.spanprof-.*\.tmp$/.test(name))
    .sort()
    .map((name) => {
      const match = /^(\d.*?Z)-(.+)-(\d+)(?:\.(\d+))?-(cpu|wall|heap|allocs)\.pb\.gz$/.exec(name);
      if (match === null) throw new Error(`not the name of a profile: ${name}`);
      const [, , service = '', processId = '', threadId, profileType = ''] = match;
      return {
        path: join(folder, name),
        name,
        service,
        processId: Number(processId),
        threadId: threadId === undefined ? undefined : Number(threadId),
        profileType,
      };
    });
}

/** What a program has said in lines of JSON. */
export function jsonLines(stdout: string): unknown[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}
