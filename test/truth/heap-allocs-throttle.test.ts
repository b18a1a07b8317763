/**
 * Far more heap samples than stacks are taken of: the stacks must stay under their bound, and what is
 * left must stand for all of it, by owner.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readProfiles, samplesOf, total } from '../helpers/profiles.ts';
import { programs, runProgram, withFolder } from '../helpers/programs.ts';

interface Phase {
  readonly elapsedMillis: number;
  readonly blocks: Readonly<Record<string, number>>;
  readonly samples: number;
  readonly thinned: number;
  readonly withoutStack: number;
  readonly lost: number;
}
interface Told {
  readonly blockBytes: number;
  readonly steady: Phase;
  readonly burst: Phase;
}

const INTERVAL_BYTES = 2048;
/** The default, and a tenth of it: what a slot of 100 ms may keep at each step. */
const PER_SECOND = 150;
const SHARE = 15;
/**
 * `n` stacks of equal weight have a standard error of 1 / √n. These weigh more or less, a step or two,
 * as they came faster or slower: they tell as much as at least half of them would.
 */
const EQUAL_STACKS = 1 / 2;

const sum = (numbers: Iterable<number>) => [...numbers].reduce((all, one) => all + one, 0);

test('far above its bound it keeps few stacks, and they stand for all bytes', async () => {
  await withFolder(async (folder) => {
    const result = await runProgram(join(programs, 'truth/alloc-storm.mjs'), {
      args: ['4', '100'],
      timeoutMillis: 100_000,
      env: {
        SPANPROF_FILE_DIRECTORY: folder,
        SPANPROF_HEAP_INTERVAL_BYTES: String(INTERVAL_BYTES),
        SPANPROF_WINDOW_SECONDS: '3600',
      },
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const { blockBytes, steady, burst } = JSON.parse(result.stdout) as Told;

    for (const { blocks, samples, thinned, lost } of [steady, burst]) {
      expect(thinned).toBeGreaterThan(samples);
      expect(lost).toBe(0);
      // Together they are all of V8's heap samples; those of `run` and of a window's end come on top.
      const sampled = 1 - Math.exp(-blockBytes / (INTERVAL_BYTES + 1));
      const ofAll = (samples + thinned) / (sum(Object.values(blocks)) * sampled);
      expect(ofAll).toBeGreaterThan(0.97);
      expect(ofAll).toBeLessThan(1.15);
    }

    const seconds = steady.elapsedMillis / 1000;
    expect(steady.samples / seconds).toBeLessThan(2 * PER_SECOND);
    expect(steady.withoutStack).toBeLessThan(steady.samples / 4);
    // After a pause all are kept at first. In one slot there is a share for each doubling.
    const slots = burst.elapsedMillis / 100 + 2;
    const doublings = Math.log2((burst.samples + burst.thinned) / SHARE);
    expect(burst.samples).toBeLessThan(SHARE * (doublings + 2 * slots));

    const [, ofSteady] = readProfiles(folder, 'allocs');
    const owned = samplesOf(ofSteady?.profile ?? expect.fail('no profile')).filter(
      ({ labels }) => labels['agent_name'] !== undefined,
    );
    const allBlocks = sum(Object.values(steady.blocks));
    const equalStacks = steady.samples * EQUAL_STACKS;
    const allBytes = total(owned, 'value');
    expect(Math.abs(allBytes / (allBlocks * blockBytes) - 1)).toBeLessThan(
      3 / Math.sqrt(equalStacks),
    );
    for (const [owner, blocks] of Object.entries(steady.blocks)) {
      const bytes = total(owned, 'value', ({ labels }) => labels['agent_name'] === owner);
      const error = 1 / Math.sqrt((equalStacks * blocks) / allBlocks);
      expect(Math.abs(bytes / (blocks * blockBytes) - 1), owner).toBeLessThan(3 * error);
    }
    const known = owned.filter(({ stack }) => !stack.includes('(no stack)'));
    expect(total(known, 'value', ({ stack }) => stack.includes('site_blocks'))).toBeGreaterThan(
      0.95 * total(known, 'value'),
    );
  });
}, 120_000);
