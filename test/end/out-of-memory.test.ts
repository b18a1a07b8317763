/** V8 runs out of heap: the profile that names the culprit is on disk, and the end is as without us. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readWithGo } from '../helpers/go.ts';
import { readProfiles, samplesOf, total } from '../helpers/profiles.ts';
import { preloadOptions, programs, runProgram, withFolder } from '../helpers/programs.ts';
import { requireTool } from '../helpers/tools.ts';

const program = join(programs, 'end/out-of-memory.mjs');
const { nodeArgs } = preloadOptions('require');

/** What V8 and Node say of it, without numbers, addresses, times and the native stack. */
const said = (stderr: string): string[] =>
  stderr
    .split('\n')
    .filter((line) => /^(FATAL|spanprof|<---|Error|\w*Error)/.test(line))
    .filter((line) => !line.startsWith('<--- JS stacktrace'))
    // Which of the two reasons comes first is a matter of V8's timing.
    .map((line) =>
      line.replace(/Reached heap limit|Ineffective mark-compacts near heap limit/, '…'),
    );

function expectCulprit(folder: string, threadId: number | undefined): string {
  const last = readProfiles(folder, 'heap').find(
    (file) => file.threadId === threadId && file.profile.comments.includes('near heap limit'),
  );
  if (last === undefined) return expect.fail('no heap profile from near the limit');
  const samples = samplesOf(last.profile);
  const all = total(samples, 'value');
  const hoarded = total(
    samples,
    'value',
    ({ stack, labels }) =>
      stack.includes('hoardPages') &&
      labels['agent_name'] === 'hoarder' &&
      labels['tool_name'] === 'browser',
  );
  expect(hoarded / all).toBeGreaterThan(0.9);
  return last.path;
}

describe('out of memory', () => {
  test('the main thread', async () => {
    await withFolder(async (folder) => {
      const limit = '--max-old-space-size=64';
      const bare = await runProgram(program, { nodeArgs: [limit] });
      const profiled = await runProgram(program, {
        nodeArgs: [limit, ...nodeArgs],
        env: { SPANPROF_FILE_DIRECTORY: folder },
      });
      expect([profiled.code, profiled.signal]).toEqual([bare.code, bare.signal]);
      expect(profiled.signal).toBe('SIGABRT');
      expect(said(profiled.stderr)).toEqual(said(bare.stderr));
      const path = expectCulprit(folder, undefined);
      if (requireTool('go') !== undefined) {
        const [check] = await readWithGo([path]);
        expect(check?.error).toBeUndefined();
      }
    });
  });

  test('a worker, which Node itself ends', async () => {
    await withFolder(async (folder) => {
      const result = await runProgram(program, {
        args: ['worker'],
        nodeArgs,
        env: { SPANPROF_FILE_DIRECTORY: folder },
      });
      expect(result).toMatchObject({
        code: 0,
        signal: null,
        stdout: 'ERR_WORKER_OUT_OF_MEMORY\n',
        stderr: '',
      });
      expectCulprit(folder, 1);
    });
  });
});
