/** What was allocated is counted; `allocs` must say so by site and owner, the dead included. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GC_FLAGS } from '../helpers/gc-flags.ts';
import { readProfiles, samplesOf, total } from '../helpers/profiles.ts';
import { programs, runProgram, withFolder } from '../helpers/programs.ts';

interface Told {
  readonly allocated: Readonly<Record<string, number>>;
}

const runs: { name: string; nodeArgs: string[]; env?: Record<string, string> }[] = [
  { name: 'as it comes', nodeArgs: [] },
  { name: 'without CPU profiles', nodeArgs: [], env: { SPANPROF_CPU: 'off' } },
  ...GC_FLAGS.map((flag) => ({ name: flag, nodeArgs: [flag] })),
];

describe('allocated bytes by site', () => {
  test.each(runs)('$name', async ({ nodeArgs, env }) => {
    await withFolder(async (folder) => {
      const result = await runProgram(join(programs, 'truth/alloc-sites.mjs'), {
        nodeArgs,
        args: ['24'],
        timeoutMillis: 150_000,
        // 12,000 samples a site: a standard error of 0.9 %.
        env: {
          SPANPROF_FILE_DIRECTORY: folder,
          SPANPROF_HEAP_INTERVAL_BYTES: '2048',
          SPANPROF_HEAP_ALLOCS_PER_SECOND: '100000',
          SPANPROF_WINDOW_SECONDS: '3600',
          ...env,
        },
      });
      expect(result.stderr.replace(/^Warning: disabling flag .*\n/gm, '')).toBe('');
      expect(result.code).toBe(0);
      const { allocated } = JSON.parse(result.stdout) as Told;
      const samples = readProfiles(folder, 'allocs').flatMap(({ profile }) => samplesOf(profile));
      for (const [owner, bytes] of Object.entries(allocated)) {
        const ofSite = samples.filter(({ stack }) => stack.includes(`site_${owner}`));
        expect(total(ofSite, 'value') / bytes, owner).toBeGreaterThan(0.95);
        expect(total(ofSite, 'value') / bytes, owner).toBeLessThan(1.05);
        expect(ofSite.filter(({ labels }) => labels['agent_name'] !== owner)).toEqual([]);
      }
      // Whatever has no stack still has its owner; here the profile ends, so all have one.
      expect(samples.filter(({ stack }) => stack.includes('(no stack)'))).toEqual([]);
    });
  });
});
