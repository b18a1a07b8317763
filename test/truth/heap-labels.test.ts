/** Who allocated is known; every live heap sample must say so, under every way to collect garbage. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readProfiles, type Sample, samplesOf, total } from '../helpers/profiles.ts';
import { programs, runProgram, withFolder } from '../helpers/programs.ts';

/** The owner that a stack tells, by the name of its allocating function. */
function ownerOf({ stack }: Sample): string | undefined {
  for (const name of stack) {
    const match = /^allocate_(\w)$/.exec(name);
    if (match !== null) return match[1];
  }
  return undefined;
}

const major = Number(process.versions.node.split('.')[0]);
const flags: string[][] = [
  [],
  ['--stress-scavenge=50'],
  ['--gc-interval=500'],
  ['--stress-compaction'],
  ['--max-semi-space-size=1'],
  ['--single-threaded'],
  ['--jitless'],
  ...(major === 22 ? [['--experimental-async-context-frame']] : []),
];

describe('live heap samples have their owner', () => {
  test.each(flags.map((nodeArgs) => ({ nodeArgs, name: nodeArgs.join(' ') || 'as it comes' })))(
    '$name',
    async ({ nodeArgs }) => {
      await withFolder(async (folder) => {
        const result = await runProgram(join(programs, 'truth/heap-owners.mjs'), {
          nodeArgs,
          args: [nodeArgs.length === 0 ? '1500' : '600'],
          timeoutMillis: 150_000,
          env: {
            SPANPROF_FILE_DIRECTORY: folder,
            SPANPROF_HEAP_INTERVAL_BYTES: '16384',
            SPANPROF_WINDOW_SECONDS: '1',
          },
        });
        expect(result.code).toBe(0);
        // V8 itself warns that two of the flags do not go together.
        expect(result.stderr.replace(/^Warning: disabling flag .*\n/gm, '')).toBe('');
        const { heap } = JSON.parse(result.stdout) as { heap: { labels: boolean } };
        expect(heap.labels).toBe(true);
        const profiles = readProfiles(folder, 'heap');
        const owned = profiles
          .flatMap(({ profile }) => samplesOf(profile))
          .filter((sample) => ownerOf(sample) !== undefined);
        expect(total(owned, 'count')).toBeGreaterThan(1_000);
        const wrong = owned.filter((sample) => {
          const owner = ownerOf(sample);
          const { agent_name, session_id } = sample.labels;
          return agent_name !== owner || session_id !== `s-${owner}`;
        });
        expect(wrong).toEqual([]);
      });
    },
  );
});
