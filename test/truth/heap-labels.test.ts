/**
 * Three owners allocate 60/30/10, and their stacks tell who it was. Every heap sample must say so, and
 * the bytes must be shared so, under every way to collect garbage and in workers.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Status } from '../../src/status.ts';
import { GC_FLAGS } from '../helpers/gc-flags.ts';
import {
  type ReadProfile,
  readProfiles,
  type Sample,
  samplesOf,
  total,
} from '../helpers/profiles.ts';
import { programs, runProgram, withFolder } from '../helpers/programs.ts';

const SHARES = { a: 0.6, b: 0.3, c: 0.1 };
const THREADS = { main: [undefined], workers: [1, 2, 3, 4] };

/** The owner that a stack tells, by the name of its allocating function. */
function ownerOf({ stack }: Sample): string | undefined {
  for (const name of stack) {
    const match = /^allocate_(\w)$/.exec(name);
    if (match !== null) return match[1];
  }
  return undefined;
}

/** Samples with an owner on their stack; all of them have its labels. */
function ownedOf(files: readonly ReadProfile[]): Sample[] {
  const owned = files
    .flatMap(({ profile }) => samplesOf(profile))
    .filter((sample) => ownerOf(sample) !== undefined);
  const wrong = owned.filter((sample) => {
    const owner = ownerOf(sample);
    const { agent_name, session_id } = sample.labels;
    return agent_name !== owner || session_id !== `s-${owner}`;
  });
  expect(wrong).toEqual([]);
  return owned;
}

interface Run {
  readonly name: string;
  readonly nodeArgs: string[];
  readonly rounds: number;
  readonly threads: 'main' | 'workers';
}

const major = Number(process.versions.node.split('.')[0]);
const flags = [...GC_FLAGS, ...(major === 22 ? ['--experimental-async-context-frame'] : [])];
const runs: Run[] = [
  { name: 'as it comes', nodeArgs: [], rounds: 1500, threads: 'main' },
  ...flags.map((flag) => ({
    name: flag,
    nodeArgs: [flag],
    rounds: 600,
    threads: 'main' as const,
  })),
  { name: 'in four workers', nodeArgs: [], rounds: 400, threads: 'workers' },
];

describe('heap samples have their owner, and owners their share', () => {
  test.each(runs)('$name', async ({ nodeArgs, rounds, threads }) => {
    await withFolder(async (folder) => {
      const result = await runProgram(join(programs, 'truth/heap-owners.mjs'), {
        nodeArgs,
        args: [String(rounds), threads],
        timeoutMillis: 150_000,
        env: {
          SPANPROF_FILE_DIRECTORY: folder,
          // Some 18,000 samples a thread: shares have a standard error of half a point.
          SPANPROF_HEAP_INTERVAL_BYTES: '4096',
          SPANPROF_HEAP_ALLOCS_PER_SECOND: '100000',
          SPANPROF_WINDOW_SECONDS: '1',
        },
      });
      expect(result.code).toBe(0);
      // V8 itself warns that two of the flags do not go together.
      expect(result.stderr.replace(/^Warning: disabling flag .*\n/gm, '')).toBe('');
      const told = result.stdout.trimEnd().split('\n');
      for (const line of told) {
        expect((JSON.parse(line) as Pick<Status, 'heap'>).heap).toMatchObject({ labels: true });
      }
      expect(told).toHaveLength(THREADS[threads].length);
      for (const threadId of THREADS[threads]) {
        const ofThread = (type: 'heap' | 'allocs') =>
          ownedOf(readProfiles(folder, type).filter((file) => file.threadId === threadId));
        expect(total(ofThread('heap'), 'count')).toBeGreaterThan(1_000);
        const allocated = ofThread('allocs');
        const bytes = total(allocated, 'value');
        for (const [owner, share] of Object.entries(SHARES)) {
          const own = total(allocated, 'value', ({ labels }) => labels['agent_name'] === owner);
          expect(Math.abs(own / bytes - share), owner).toBeLessThan(0.03);
        }
      }
    });
  });
});
