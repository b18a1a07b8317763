/** A window ends in slices: what of them is still to come when the process ends is not lost. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ProfileType } from '../../src/profile/model.ts';
import { readProfiles, samplesOf, total } from '../helpers/profiles.ts';
import {
  preloadOptions,
  programs,
  type RunResult,
  runProgram,
  withFolder,
} from '../helpers/programs.ts';

const TYPES: readonly ProfileType[] = ['cpu', 'wall', 'heap', 'allocs'];
const WINDOW_SECONDS = 3;

interface AtTheEnd {
  readonly encoded: number;
  readonly delivered: number;
  readonly underWay: number;
  readonly dropped: number;
}
const atTheEnd = ({ stdout }: RunResult): AtTheEnd =>
  JSON.parse(stdout.split('\n', 1)[0] ?? '') as AtTheEnd;

function end(folder: string, ...args: string[]): Promise<RunResult> {
  const preload = preloadOptions('require');
  return runProgram(join(programs, 'end/ends-at-a-window.mjs'), {
    args,
    nodeArgs: preload.nodeArgs,
    env: {
      ...preload.env,
      SPANPROF_FILE_DIRECTORY: folder,
      SPANPROF_WINDOW_SECONDS: String(WINDOW_SECONDS),
      SPANPROF_CPU_FREQUENCY_HERTZ: '1000',
    },
  });
}

/** The first window whole, in order, each part of the time once. */
function expectWholeWindow(folder: string, type: ProfileType): void {
  const profiles = readProfiles(folder, type).map(({ profile }) => profile);
  const [first, ...rest] = profiles;
  expect(Number(first?.durationNanos) / 1e9, type).toBeGreaterThan(WINDOW_SECONDS * 0.98);
  let end = (first?.timeNanos ?? 0n) + (first?.durationNanos ?? 0n);
  for (const { timeNanos, durationNanos } of rest) {
    expect(timeNanos, type).toBe(end);
    end += durationNanos;
  }
  if (type === 'cpu' && first !== undefined) {
    const samples = samplesOf(first);
    const planned = samples.filter(({ labels }) => labels['agent_name'] === 'planner');
    // Start-up is the rest. On a busy machine the program gets a fraction of the window.
    expect(total(planned, 'value')).toBeGreaterThan(total(samples, 'value') * 0.5);
    expect(new Set(planned.map(({ labels }) => labels['session_id'])).size).toBeGreaterThan(10);
  }
}

describe.concurrent('a process that ends in the turn in which a window has ended, all of it unbuilt', () => {
  test.each([
    ['by exit', { code: 3 }],
    ['by SIGTERM', { signal: 'SIGTERM' }],
    ['by an uncaught exception', { code: 1 }],
    ['by stop', { code: 0 }],
    ['by SIGKILL after a flush', { signal: 'SIGKILL' }],
  ] as const)(
    '%s',
    async (way, expected) => {
      await withFolder(async (folder) => {
        const result = await end(folder, way);
        expect(result).toMatchObject(expected);
        expect(atTheEnd(result)).toEqual({ encoded: 0, delivered: 0, underWay: 4, dropped: 0 });
        for (const type of TYPES) expectWholeWindow(folder, type);
      });
    },
    60_000,
  );

  test('or later: no turn encodes more than one profile', async () => {
    await withFolder(async (folder) => {
      const result = await end(folder, 'when all is delivered');
      expect(result).toMatchObject({ code: 0, stderr: '' });
      expect(atTheEnd(result)).toEqual({ encoded: 0, delivered: 0, underWay: 4, dropped: 0 });
      const turns = (/^turns (.*)$/m.exec(result.stdout)?.[1] ?? '').split(' ').map(Number);
      expect(Math.max(...turns)).toBe(1);
      expect(turns.reduce((sum, count) => sum + count, 0)).toBe(TYPES.length);
      // Building takes turns, too.
      expect(turns.slice(0, 2 * TYPES.length)).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
      for (const type of TYPES) expectWholeWindow(folder, type);
    });
  }, 60_000);

  test('in a worker: all of it is encoded by then', async () => {
    await withFolder(async (folder) => {
      const result = await end(folder, 'terminated by its parent', 'in a worker');
      expect(result).toMatchObject({ code: 0, stderr: '' });
      expect(atTheEnd(result)).toMatchObject({ encoded: TYPES.length, dropped: 0 });
    });
  }, 60_000);
});
