/** The profiles' total CPU against the operating system's own clocks. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readProfiles, samplesOf, total } from '../helpers/profiles.ts';
import { programs, runProgram, withFolder } from '../helpers/programs.ts';

const SECONDS = 30;
const MAX_PERCENT_OFF = 3;
const NON_JS = '(non-JS threads)';

test.each([100, 1000])(
  'total CPU of a mixed load at %i Hz equals the system clocks',
  async (hertz) => {
    await withFolder(async (folder) => {
      const result = await runProgram(join(programs, 'truth/mixed-load.mjs'), {
        args: [String(SECONDS)],
        env: {
          SPANPROF_FILE_DIRECTORY: folder,
          SPANPROF_CPU_FREQUENCY_HERTZ: String(hertz),
          SPANPROF_WINDOW_SECONDS: '5',
        },
      });
      expect(result.stderr).toBe('');
      const { threadUsed, processUsed } = JSON.parse(result.stdout) as {
        threadUsed: number;
        processUsed: number;
      };
      const samples = readProfiles(folder, 'cpu').flatMap(({ profile }) => samplesOf(profile));
      const all = total(samples, 'value') / 1e6;
      const nonJs = total(samples, 'value', ({ stack }) => stack.includes(NON_JS)) / 1e6;
      expect((Math.abs(all - nonJs - threadUsed) / threadUsed) * 100).toBeLessThan(MAX_PERCENT_OFF);
      expect((Math.abs(all - processUsed) / processUsed) * 100).toBeLessThan(MAX_PERCENT_OFF);
      // The pool worked, and it is told apart.
      expect(nonJs).toBeGreaterThan(processUsed * 0.02);
    });
  },
);
