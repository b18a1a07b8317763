/** Who burned the CPU is known; every sample must say so. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readProfiles, type Sample, samplesOf, total } from '../helpers/profiles.ts';
import { programs, runProgram, withFolder } from '../helpers/programs.ts';

const SECONDS = 30;
const OWNERS = ['a', 'b', 'c'] as const;
/** Shares of labelled CPU may differ from the truth by that many points of a hundred. */
const MAX_POINTS_OFF = 2;

interface Truth {
  readonly truth: Readonly<Record<(typeof OWNERS)[number] | 'outside', number>>;
  readonly mechanism: string;
}

/** The owner that a stack tells, by the name of its burning function. */
function ownerOf(sample: Sample): string | undefined {
  for (const name of sample.stack) {
    const match = /^burn_(\w+)$/.exec(name);
    if (match !== null) return match[1];
  }
  return undefined;
}

async function threeContexts(
  nodeArgs: readonly string[],
): Promise<{ truth: Truth; cpu: Sample[]; wall: Sample[]; windows: number }> {
  return withFolder(async (folder) => {
    const result = await runProgram(join(programs, 'truth/three-contexts.mjs'), {
      args: [String(SECONDS)],
      nodeArgs,
      env: {
        SPANPROF_FILE_DIRECTORY: folder,
        SPANPROF_CPU_FREQUENCY_HERTZ: '1000',
        SPANPROF_WINDOW_SECONDS: '1',
      },
    });
    expect(result.stderr).toBe('');
    expect(result.code).toBe(0);
    const cpu = readProfiles(folder, 'cpu');
    return {
      truth: JSON.parse(result.stdout) as Truth,
      cpu: cpu.flatMap(({ profile }) => samplesOf(profile)),
      wall: readProfiles(folder, 'wall').flatMap(({ profile }) => samplesOf(profile)),
      windows: cpu.length,
    };
  });
}

const hasFrameFlag = process.versions.node.startsWith('22.');
const variants: [string, string[]][] = [['as it comes', []]];
if (hasFrameFlag)
  variants.push(['with async context frames', ['--experimental-async-context-frame']]);

describe.each(variants)('three interleaved owners, %s', (_, nodeArgs) => {
  test('every sample has its owner, none has another, and the shares are right', async () => {
    const { truth, cpu, wall, windows } = await threeContexts(nodeArgs);
    if (nodeArgs.length > 0) expect(truth.mechanism).toBe('frame');
    expect(windows).toBeGreaterThanOrEqual(SECONDS - 1);
    for (const samples of [cpu, wall]) {
      const burned = samples.filter((sample) => ownerOf(sample) !== undefined);
      expect(total(burned, 'count')).toBeGreaterThan(SECONDS * 300);
      const wrong = burned.filter((sample) => {
        const owner = ownerOf(sample);
        return sample.labels['agent_name'] !== (owner === 'outside' ? undefined : owner);
      });
      expect(wrong).toEqual([]);
      // Inherited and own labels travel together.
      expect(burned.filter((s) => ownerOf(s) === 'a' && s.labels['session_id'] !== 's-1')).toEqual(
        [],
      );
      expect(burned.filter((s) => ownerOf(s) === 'c' && s.labels['step'] !== 7)).toEqual([]);
    }
    const burnedTruth = OWNERS.reduce((sum, owner) => sum + truth.truth[owner], 0);
    const labelled = cpu.filter((sample) => OWNERS.some((o) => o === ownerOf(sample)));
    const measured = total(labelled, 'value');
    for (const owner of OWNERS) {
      const share = total(labelled, 'value', (s) => s.labels['agent_name'] === owner) / measured;
      const expected = truth.truth[owner] / burnedTruth;
      expect(Math.abs(share - expected) * 100, `share of ${owner}`).toBeLessThan(MAX_POINTS_OFF);
    }
  });
});
