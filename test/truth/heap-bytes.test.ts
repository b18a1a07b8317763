/** Ten owners hoard known amounts: live and allocated bytes by label, and nothing after release. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ReadProfile, readProfiles, samplesOf, total } from '../helpers/profiles.ts';
import { programs, runProgram, withFolder } from '../helpers/programs.ts';

const OWNERS = Array.from({ length: 10 }, (_, i) => `owner-${i}`);
const BYTES = 20e6;

function bytesByOwner(files: readonly ReadProfile[]): number[] {
  const samples = files.flatMap(({ profile }) => samplesOf(profile));
  return OWNERS.map((owner) =>
    total(samples, 'value', ({ labels }) => labels['agent_name'] === owner),
  );
}

function expectBytes(folder: string, threadId: number | undefined): void {
  const ofThread = (type: 'heap' | 'allocs') =>
    readProfiles(folder, type).filter((file) => file.threadId === threadId);
  const [held, ...later] = ofThread('heap');
  const live = bytesByOwner(held === undefined ? [] : [held]);
  for (const bytes of live) expect(Math.abs(bytes / BYTES - 1)).toBeLessThan(0.05);
  // Released and collected; what is left is what the owners' promises and closures hold.
  for (const bytes of bytesByOwner(later)) expect(bytes / BYTES).toBeLessThan(0.01);
  const allocated = bytesByOwner(ofThread('allocs'));
  const all = allocated.reduce((sum, bytes) => sum + bytes, 0);
  for (const bytes of allocated) {
    expect(bytes / BYTES).toBeGreaterThan(0.95);
    expect(Math.abs(bytes / all - 1 / OWNERS.length)).toBeLessThan(0.03);
  }
}

describe('ten owners of 20 MB', () => {
  test.each([{ args: [] }, { args: ['workers'] }])('$args', async ({ args }) => {
    await withFolder(async (folder) => {
      const result = await runProgram(join(programs, 'truth/heap-hoards.mjs'), {
        args,
        nodeArgs: ['--expose-gc'],
        timeoutMillis: 150_000,
        env: {
          SPANPROF_FILE_DIRECTORY: folder,
          // 4,900 samples an owner: a standard error of 1.2 %.
          SPANPROF_HEAP_INTERVAL_BYTES: '2048',
          SPANPROF_HEAP_ALLOCS_PER_SECOND: '100000',
          SPANPROF_WINDOW_SECONDS: '3600',
        },
      });
      expect(result).toMatchObject({ code: 0, stderr: '' });
      for (const thread of args.length === 0 ? [undefined] : [1, 2, 3, 4]) {
        expectBytes(folder, thread);
      }
    });
  });
});
