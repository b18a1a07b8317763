/**
 * Peak live bytes of bills, however V8 collects: what one hoards is counted, what another throws away
 * is not, garbage that marking has swept along included (native/survivors.h).
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Usage } from '../../src/index.ts';
import { programs, runProgram } from '../helpers/programs.ts';

interface Told {
  readonly truth: Readonly<Record<'hoard' | 'churn', number>>;
  readonly usages: Readonly<Record<'hoard' | 'churn', Usage>>;
}

const runs: { name: string; nodeArgs: string[]; args?: string[] }[] = [
  { name: 'as it comes', nodeArgs: [] },
  { name: 'no marking beside the program', nodeArgs: ['--no-incremental-marking'] },
  { name: 'one thread', nodeArgs: ['--single-threaded'] },
  { name: 'small semi-spaces', nodeArgs: ['--max-semi-space-size=1'] },
  { name: 'a collection every 2,000 allocations', nodeArgs: ['--gc-interval=2000'] },
  { name: 'a full collection every 50 turns', nodeArgs: ['--expose-gc'], args: ['50'] },
];

describe('peak live bytes', () => {
  test.each(runs)('$name', async ({ nodeArgs, args }) => {
    const result = await runProgram(join(programs, 'truth/bills-memory.mjs'), {
      nodeArgs,
      args: args ?? [],
      timeoutMillis: 100_000,
    });
    expect(result.stderr.replace(/^Warning: disabling flag .*\n/gm, '')).toBe('');
    expect(result.code).toBe(0);
    const { truth, usages } = JSON.parse(result.stdout) as Told;
    const { peakLiveBytes, stdError } = usages.hoard;
    const off = peakLiveBytes - truth.hoard;
    expect(stdError.peakLiveBytes).toBeLessThan(0.05 * truth.hoard);
    expect(Math.abs(off), `off by ${off}`).toBeLessThan(3 * (stdError.peakLiveBytes ?? 0));
    expect(usages.churn.peakLiveBytes).toBeLessThan(4e6);
  });
});
