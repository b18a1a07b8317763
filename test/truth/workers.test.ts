/** Several isolates at once: each thread's samples have their owners, and the books still balance. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readProfiles, samplesOf, total } from '../helpers/profiles.ts';
import { programs, runProgram, withFolder } from '../helpers/programs.ts';

test('workers: labels in every thread, total CPU of all threads equals the process clock', async () => {
  await withFolder(async (folder) => {
    const result = await runProgram(join(programs, 'truth/workers.mjs'), {
      args: ['8'],
      env: {
        SPANPROF_FILE_DIRECTORY: folder,
        SPANPROF_CPU_FREQUENCY_HERTZ: '500',
        SPANPROF_WINDOW_SECONDS: '1',
      },
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const { processMillis, codes } = JSON.parse(result.stdout) as {
      processMillis: number;
      codes: number[];
    };
    expect(codes).toEqual([0, 4, 1]);

    const files = readProfiles(folder, 'cpu');
    const threads = [...new Set(files.map(({ threadId }) => threadId))];
    expect(threads).toHaveLength(4);
    for (const thread of threads) {
      const samples = files
        .filter(({ threadId }) => threadId === thread)
        .flatMap(({ profile }) => samplesOf(profile));
      for (const owner of thread === undefined ? ['a'] : ['a', 'b']) {
        const own = samples.filter(({ stack }) => stack.includes(`burn_${owner}`));
        expect(total(own, 'count')).toBeGreaterThan(100);
        expect(own.filter(({ labels }) => labels['agent_name'] !== owner)).toEqual([]);
      }
      const name = thread === undefined ? undefined : `worker-${thread}`;
      expect(samples.filter(({ labels }) => labels['thread'] !== name)).toEqual([]);
    }

    // The terminated worker takes its last window, at most a second of some 4.5, with it.
    const all = files.flatMap(({ profile }) => samplesOf(profile));
    const allMillis = total(all, 'value') / 1e6;
    expect(allMillis).toBeLessThan(processMillis * 1.03);
    expect(allMillis).toBeGreaterThan(processMillis * 0.97 - 1_000);
  });
});
