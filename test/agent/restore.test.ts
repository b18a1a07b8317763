/** After `stop()` the process is as it was before `start()`, round after round. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { programs, runProgram } from '../helpers/programs.ts';

interface Round {
  readonly works: boolean;
  readonly method: string;
  readonly changedMeanwhile: readonly string[];
  readonly hookRan: number;
  readonly left: readonly string[];
}

const isNode22 = process.versions.node.startsWith('22.');

const variants: [string, string[]][] = [['as it comes', []]];
if (isNode22) variants.push(['async context frames', ['--experimental-async-context-frame']]);

test.each(variants)(
  'hooks, listeners, observers, prototypes, globals, signals, threads: %s',
  async (_, flags) => {
    const { stdout, stderr, code } = await runProgram(join(programs, 'agent/restore.mjs'), {
      nodeArgs: [...flags, '--expose-internals', '--no-warnings'],
    });
    expect([code, stderr]).toEqual([0, '']);
    const rounds = JSON.parse(stdout) as Round[];
    expect(rounds).toHaveLength(3);
    for (const { works, method, changedMeanwhile, hookRan, left } of rounds) {
      expect(works).toBe(true);
      expect(method).toBe('exact');
      // The picture shows what there is to restore.
      expect(changedMeanwhile).toEqual(
        expect.arrayContaining([
          'async_hooks',
          'manager: attach',
          'manager: with',
          'otel registry: prototype',
          'process listeners',
          'proxy: setDelegate',
          'resources',
          'signals',
          'span: end',
          'span: setAttribute',
          'threads',
          'tracer: startSpan',
        ]),
      );
      expect(left).toEqual([]);
      expect(hookRan).toBe(0);
    }
  },
);
