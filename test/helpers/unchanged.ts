import { describe, expect, test } from 'vitest';
import { goAvailable, type ProfileCheck, readWithGo } from './go.ts';
import {
  type ProfileFile,
  preloadOptions,
  preloads,
  profileFiles,
  type RunOptions,
  type RunResult,
  runProgram,
  withFolder,
} from './programs.ts';

/** What a preload adds to a run. */
export type Added = Required<Pick<RunOptions, 'nodeArgs' | 'env'>>;

/** A profile file and what Go's own package read from it. */
export interface CheckedFile extends ProfileFile {
  readonly check: ProfileCheck;
}

export interface RealProgram {
  /** Runs the program once, from start to end, with what the preload adds. */
  readonly run: (added: Added) => Promise<RunResult>;
  readonly code: number;
  /** What stdout holds at least, to be sure that the program did its work. */
  readonly stdout: RegExp;
  /** A function that must show in its CPU profiles. */
  readonly hot: RegExp;
  /** Looks at the profiles further; not called where Go is missing. */
  readonly inspect?: (files: readonly CheckedFile[], result: RunResult) => void;
}

const timeoutMillis = 60_000;
const emptyModule = 'data:text/javascript,';

/** The simplest way to run: a file, with arguments. */
export function program(file: string, args: readonly string[] = []): RealProgram['run'] {
  return (added) => runProgram(file, { args, timeoutMillis, ...added });
}

/**
 * The tests of one real program: run once as it is, then under each preload. Output and exit code
 * must be the same, stderr empty, and the profiles valid and about this process.
 *
 * The control for `--import` is the program under an empty module: Node runs the main file at a
 * later moment then, which changes the order of its first ticks and microtasks whoever is imported.
 */
export function describeUnchanged(name: string, real: RealProgram): void {
  describe(name, () => {
    const controls = new Map<string, Promise<RunResult>>();
    const control = (nodeArgs: readonly string[]) => {
      const key = nodeArgs.join(' ');
      const known = controls.get(key) ?? real.run({ nodeArgs, env: {} });
      controls.set(key, known);
      return known;
    };

    test('as it is', { timeout: timeoutMillis }, async () => {
      const result = await control([]);
      expect(result).toMatchObject({ code: real.code, signal: null, stderr: '' });
      expect(result.stdout).toMatch(real.stdout);
    });

    test.each(preloads)('under %s', { timeout: 2 * timeoutMillis }, (preload) =>
      withFolder(async (folder) => {
        const added = preloadOptions(preload);
        const result = await real.run({
          nodeArgs: added.nodeArgs,
          env: { ...added.env, SPANPROF_FILE_DIRECTORY: folder, SPANPROF_WINDOW_SECONDS: '1' },
        });
        const wanted = await control(preload === 'import' ? ['--import', emptyModule] : []);
        expect(withoutProcessId(result)).toEqual(withoutProcessId(wanted));
        expect(result.stderr).toBe('');
        const files = profileFiles(folder);
        expect(typesOf(files, result.processId)).toEqual(['allocs', 'cpu', 'heap', 'wall']);
        if (!goAvailable) return;
        const checkedFiles = await check(files);
        expect(functionsOf(checkedFiles, 'cpu')).toEqual(
          expect.arrayContaining([expect.stringMatching(real.hot)]),
        );
        real.inspect?.(checkedFiles, result);
      }),
    );
  });
}

/** Profile types written by the main thread of a process, or by one of its threads. */
export function typesOf(
  files: readonly ProfileFile[],
  processId: number,
  threadId?: number,
): string[] {
  const own = files.filter((file) => file.processId === processId && file.threadId === threadId);
  return [...new Set(own.map((file) => file.profileType))].sort();
}

/** Names of all functions in the profiles of one type. */
export function functionsOf(files: readonly CheckedFile[], profileType: string): string[] {
  const chosen = files.filter((file) => file.profileType === profileType);
  return [...new Set(chosen.flatMap((file) => file.check.functions.map(({ name }) => name)))];
}

function withoutProcessId({ processId: _, ...rest }: RunResult): Omit<RunResult, 'processId'> {
  return rest;
}

async function check(files: readonly ProfileFile[]): Promise<CheckedFile[]> {
  const checks = await readWithGo(files.map((file) => file.path));
  expect(checks.filter(({ error }) => error !== undefined)).toEqual([]);
  return files.map((file, i) => {
    const read = checks[i];
    if (read === undefined) throw new Error(`${file.name} was not read`);
    return { ...file, check: read };
  });
}
