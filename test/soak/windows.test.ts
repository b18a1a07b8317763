/**
 * Ten minutes of five-second windows on every Node at once: no gap, no overlap, a steady number of
 * samples, memory that does not grow.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mean } from '../../bench/lib/statistics.mjs';
import { nodeBinary } from '../../scripts/nodes.mjs';
import { readProfiles } from '../helpers/profiles.ts';
import { jsonLines, programs, runProgram, withFolder } from '../helpers/programs.ts';
import { FULL_YOUNG_GENERATION } from './young-generation.ts';

const SECONDS = Number(process.env['TEST_SOAK_SECONDS'] ?? 600);
const WINDOW_SECONDS = 5;
const MIB = 1024 * 1024;

interface Memory {
  readonly atMillis: number;
  readonly rss: number;
}
interface End {
  readonly elapsedMillis: number;
  readonly windows: { readonly completed: number; readonly totalMicros: number };
  readonly ownCpuMicros: number;
}

describe.concurrent('windows', () => {
  test.each([20, 22, 24, 26])('on Node %i', async (major) => {
    await withFolder(async (folder) => {
      const result = await runProgram(join(programs, 'truth/steady-load.mjs'), {
        node: nodeBinary(major),
        nodeArgs: FULL_YOUNG_GENERATION,
        args: [String(SECONDS)],
        timeoutMillis: (SECONDS + 60) * 1000,
        env: { SPANPROF_FILE_DIRECTORY: folder, SPANPROF_WINDOW_SECONDS: String(WINDOW_SECONDS) },
      });
      expect(result).toMatchObject({ code: 0, stderr: '' });
      const lines = jsonLines(result.stdout);
      const end = lines.at(-1) as End;
      const memory = lines.slice(0, -1) as Memory[];

      const wall = readProfiles(folder, 'wall').map(({ profile }) => profile);
      expect(wall.length).toBeGreaterThanOrEqual(SECONDS / WINDOW_SECONDS - 1);
      const totalMillis = wall.reduce((sum, one) => sum + Number(one.durationNanos) / 1e6, 0);
      expect(Math.abs(totalMillis / end.elapsedMillis - 1)).toBeLessThan(0.005);
      expect(Math.abs(end.windows.totalMicros / 1e3 / end.elapsedMillis - 1)).toBeLessThan(0.005);
      // Each window begins where the one before ends, to the microsecond of the encoding.
      for (const [i, one] of wall.entries()) {
        const before = wall[i - 1];
        if (before === undefined) continue;
        const gapNanos = Number(one.timeNanos - before.timeNanos - before.durationNanos);
        expect(Math.abs(gapNanos)).toBeLessThan(2_000);
      }

      const full = wall.slice(0, -1);
      const rates = full.map((one) => {
        const samples = (one.samples.values[0] ?? []).reduce((sum, count) => sum + count, 0);
        return samples / (Number(one.durationNanos) / 1e9);
      });
      // 100 Hz asked for. Sampling must not fade, and no window may go without; a neighbour that
      // keeps both cores busy for a while delays samples, so single windows are not compared.
      const half = Math.floor(full.length / 2);
      const [firstHalf, secondHalf] = [mean(rates.slice(0, half)), mean(rates.slice(half))];
      expect(mean(rates)).toBeGreaterThan(80);
      expect(Math.abs(secondHalf / firstHalf - 1)).toBeLessThan(0.1);
      expect(Math.min(...rates)).toBeGreaterThan(mean(rates) / 2);

      // The first two fifths are warm-up: compiled code, caches, the allocator's own pools.
      const warm = memory.filter(({ atMillis }) => atMillis > SECONDS * 400);
      const middle = Math.floor(warm.length / 2);
      const early = mean(warm.slice(0, middle).map(({ rss }) => rss));
      const late = mean(warm.slice(middle).map(({ rss }) => rss));
      console.log(
        `Node ${major}: ${wall.length} windows, ${(totalMillis / 1e3).toFixed(2)} of ${(end.elapsedMillis / 1e3).toFixed(2)} s, ` +
          `${firstHalf.toFixed(1)} → ${secondHalf.toFixed(1)} samples/s (lowest ${Math.min(...rates).toFixed(1)}), RSS ${(early / MIB).toFixed(1)} → ${(late / MIB).toFixed(1)} MiB, ` +
          `own CPU ${(end.ownCpuMicros / 1e3 / (end.elapsedMillis / 100)).toFixed(3)} %`,
      );
      expect((late - early) / MIB).toBeLessThan(5);
    });
  });
});
