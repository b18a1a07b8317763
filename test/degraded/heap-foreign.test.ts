/** Another party that samples the heap is respected in every order, and ours comes back. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readProfiles, samplesOf } from '../helpers/profiles.ts';
import { programs, runProgram, withFolder } from '../helpers/programs.ts';

test('an inspector client toggles its own heap sampling: no crash, no wrong label, ours goes on', async () => {
  await withFolder(async (folder) => {
    const result = await runProgram(join(programs, 'degraded/inspector-heap.mjs'), {
      env: { SPANPROF_FILE_DIRECTORY: folder, SPANPROF_HEAP_INTERVAL_BYTES: '4096' },
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const { seen, heap } = JSON.parse(result.stdout) as {
      seen: number[];
      heap: { state: string; labels: boolean; restarts: number };
    };
    expect(heap).toMatchObject({ state: 'running', labels: true });
    expect(heap.restarts).toBe(6);
    expect(seen.at(-1)).toBe(6);

    const profiles = readProfiles(folder, 'heap');
    expect(profiles.length).toBeGreaterThanOrEqual(6);
    const own = profiles
      .flatMap(({ profile }) => samplesOf(profile))
      .filter(({ stack }) => stack.includes('allocate_a'));
    expect(own.length).toBeGreaterThan(0);
    // allocate_a is also called outside of all scopes; a label is never another one than its own.
    expect(own.filter(({ labels }) => (labels['agent_name'] ?? 'a') !== 'a')).toEqual([]);
    const last = samplesOf(profiles.at(-1)?.profile ?? expect.fail('no heap profile'));
    expect(
      last.some(
        ({ stack, labels }) => stack.includes('allocate_a') && labels['agent_name'] === 'a',
      ),
    ).toBe(true);
  });
});
