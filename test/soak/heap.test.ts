/**
 * Labelled heap sampling with workers that come and go and an inspector client beside it, on every
 * Node at once: no crash, ours comes back each time, memory that does not grow.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { median } from '../../bench/lib/statistics.mjs';
import { nodeBinary } from '../../scripts/nodes.mjs';
import { readProfiles, samplesOf } from '../helpers/profiles.ts';
import { programs, runProgram, withFolder } from '../helpers/programs.ts';
import { FULL_YOUNG_GENERATION } from './young-generation.ts';

const SECONDS = Number(process.env['TEST_SOAK_SECONDS'] ?? 1_800);
const MIB = 1024 * 1024;
/** The first fifth is warm-up. */
const WARM_UP = 0.2;

describe.concurrent('heap sampling', () => {
  test.each([20, 22, 24, 26])('on Node %i', async (major) => {
    await withFolder(async (folder) => {
      const result = await runProgram(join(programs, 'truth/heap-churn.mjs'), {
        node: nodeBinary(major),
        nodeArgs: FULL_YOUNG_GENERATION,
        args: [String(SECONDS)],
        timeoutMillis: (SECONDS + 60) * 1000,
        env: {
          SPANPROF_FILE_DIRECTORY: folder,
          SPANPROF_WINDOW_SECONDS: '1',
          SPANPROF_HEAP_INTERVAL_BYTES: '16384',
        },
      });
      expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
      const lines = result.stdout.trimEnd().split('\n');
      const end = JSON.parse(lines.at(-1) ?? '') as {
        terminated: number;
        heap: { labels: boolean; restarts: number };
      };
      expect(end.terminated).toBeGreaterThan(SECONDS / 4);
      expect(end.heap.restarts).toBeGreaterThan(SECONDS / 30);
      const samples = readProfiles(folder, 'heap').flatMap(({ profile }) => samplesOf(profile));
      expect(samples.some(({ labels }) => labels['agent_name'] === 'b')).toBe(true);
      const rss = lines.slice(0, -1).map((line) => (JSON.parse(line) as { rss: number }).rss);
      const steady = rss.slice(Math.ceil(rss.length * WARM_UP));
      if (steady.length < 100) return; // too short to tell
      // Medians: now and then V8 gives 20 to 30 MiB back and takes them again within seconds.
      const half = Math.floor(steady.length / 2);
      const [early, late] = [median(steady.slice(0, half)), median(steady.slice(half))];
      console.log(
        `Node ${major}: RSS ${(early / MIB).toFixed(1)} → ${(late / MIB).toFixed(1)} MiB, ` +
          `${end.terminated} workers terminated, begun again ${end.heap.restarts} times`,
      );
      expect((late - early) / MIB).toBeLessThan(10);
    });
  });
});
