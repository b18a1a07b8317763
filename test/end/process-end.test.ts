/**
 * Every way a process ends: the last window is on disk, and code, signal and output are what they
 * would have been without us.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readProfiles } from '../helpers/profiles.ts';
import {
  preloadOptions,
  profileFiles,
  programs,
  type RunResult,
  runProgram,
  withFolder,
} from '../helpers/programs.ts';

interface Ending extends Pick<RunResult, 'code' | 'signal' | 'stdout' | 'stderr'> {
  readonly millis: number;
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Sends `signals` one after another once the program says it is ready. */
async function end(
  program: string,
  args: readonly string[],
  signals: readonly NodeJS.Signals[],
  preload: ReturnType<typeof preloadOptions> | undefined,
  folder: string,
): Promise<Ending> {
  let sent = false;
  let firstSignal = 0;
  const result = await runProgram(join(programs, 'end', program), {
    args,
    nodeArgs: preload?.nodeArgs ?? [],
    env: { ...preload?.env, SPANPROF_FILE_DIRECTORY: folder },
    timeoutMillis: 15_000,
    onStdout: (stdout, kill) => {
      if (sent || !stdout.includes('ready')) return;
      sent = true;
      signals.forEach((signal, i) => {
        setTimeout(
          () => {
            if (i === 0) firstSignal = performance.now();
            kill(signal);
          },
          250 * (i + 1),
        );
      });
    },
  });
  const { code, signal, stdout, stderr } = result;
  return { code, signal, stdout, stderr, millis: performance.now() - firstSignal };
}

async function expectSameEnd(
  program: string,
  args: readonly string[],
  signals: readonly NodeJS.Signals[],
): Promise<Ending> {
  return withFolder(async (folder) => {
    const without = await end(program, args, signals, undefined, folder);
    expect(profileFiles(folder)).toEqual([]);
    const withUs = await end(program, args, signals, preloadOptions('require'), folder);
    const { millis: _, ...expected } = without;
    expect(withUs).toMatchObject(expected);
    expectWholeProfiles(folder);
    return withUs;
  });
}

function expectWholeProfiles(folder: string): void {
  const files = profileFiles(folder);
  expect(files.map(({ profileType }) => profileType)).toContain('cpu');
  for (const file of files) expect(gunzipSync(readFileSync(file.path)).length).toBeGreaterThan(50);
}

describe('a program that ends', () => {
  test.each([
    'naturally',
    'with exitCode',
    'by exit',
    'by exit in a promise',
    'by exit in a timer',
    'by an uncaught exception',
    'by an uncaught exception in a timer',
    'by an unhandled rejection',
    'by exit in an exit listener',
  ])('%s', async (way) => {
    await expectSameEnd('ends.mjs', [way], []);
  });
});

describe.each(SIGNALS)('%s', (signal) => {
  test('a program without a listener dies of it', async () => {
    const ending = await expectSameEnd('idle.mjs', [], [signal]);
    expect(ending.signal).toBe(signal);
    expect(ending.millis).toBeLessThan(2_000);
  });

  test('a program with a listener decides by itself', async () => {
    const ending = await expectSameEnd('listens.mjs', [], [signal]);
    expect(ending).toMatchObject({ code: 7, stdout: `ready\ngot ${signal}\n` });
  });

  test('a program whose listener is gone dies of the next one', async () => {
    const ending = await expectSameEnd('listens-once.mjs', [], [signal, signal]);
    expect(ending).toMatchObject({ signal, stdout: 'ready\nfirst\n' });
  });

  test('a program that cleans up and sends it again dies of it', async () => {
    const ending = await expectSameEnd('cleans-up.mjs', [], [signal]);
    expect(ending).toMatchObject({ signal, stdout: `ready\ncleaned up after ${signal}\n` });
  });

  test('a program that spins in a loop dies of it at once', async () => {
    const ending = await expectSameEnd('spins.mjs', [], [signal]);
    expect(ending.signal).toBe(signal);
    expect(ending.millis).toBeLessThan(2_000);
  });
});

test('a program blocked in native code still dies, without its last window', async () => {
  await withFolder(async (folder) => {
    const ending = await end('blocks.mjs', [], ['SIGTERM'], preloadOptions('require'), folder);
    expect(ending.signal).toBe('SIGTERM');
    expect(ending.millis).toBeLessThan(3_000);
  });
});

test('a signal in the middle of a turn loses nothing of the window that ended', async () => {
  await withFolder(async (folder) => {
    const preload = preloadOptions('require');
    preload.env['SPANPROF_WINDOW_SECONDS'] = '1';
    const ending = await end('dies-in-a-turn.mjs', [], [], preload, folder);
    expect(ending).toMatchObject({ signal: 'SIGTERM', stderr: '' });
    for (const type of ['cpu', 'wall', 'heap'] as const) {
      const seconds = readProfiles(folder, type).map(
        ({ profile }) => Number(profile.durationNanos) / 1e9,
      );
      expect(Math.max(...seconds)).toBeGreaterThan(0.9);
    }
  });
});

test('SIGKILL leaves only whole files', async () => {
  await withFolder(async (folder) => {
    const preload = preloadOptions('require');
    preload.env['SPANPROF_WINDOW_SECONDS'] = '1';
    for (let i = 0; i < 5; i++) {
      let sent = false;
      await runProgram(join(programs, 'end/idle.mjs'), {
        nodeArgs: preload.nodeArgs,
        env: { ...preload.env, SPANPROF_FILE_DIRECTORY: folder },
        onStdout: (_, kill) => {
          if (sent) return;
          sent = true;
          setTimeout(() => kill('SIGKILL'), 1_000 + i * 7);
        },
      });
    }
    const files = profileFiles(folder).filter(({ name }) => !name.startsWith('.'));
    for (const file of files)
      expect(gunzipSync(readFileSync(file.path)).length).toBeGreaterThan(50);
  });
});
