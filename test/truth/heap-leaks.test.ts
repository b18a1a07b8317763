/** A leak in a real service is named; a healthy one raises nothing. Collections and gauges beside it. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GC_KINDS } from '../../src/native.ts';
import type { Status } from '../../src/status.ts';
import { readProfiles } from '../helpers/profiles.ts';
import { programs, runProgram, withFolder } from '../helpers/programs.ts';

interface Told {
  readonly memory: NonNullable<Status['memory']>;
  readonly invocations: number;
}

async function service(
  args: string[],
  use: (told: Told, heapComments: string[]) => void,
): Promise<void> {
  await withFolder(async (folder) => {
    const result = await runProgram(join(programs, 'truth/service.mjs'), {
      args,
      // Old space is collected more often, as it would be within minutes of real load.
      nodeArgs: ['--max-old-space-size=160'],
      env: {
        SPANPROF_FILE_DIRECTORY: folder,
        SPANPROF_WINDOW_SECONDS: '1',
        SPANPROF_HEAP_INTERVAL_BYTES: '16384',
      },
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const profiles = readProfiles(folder, 'heap');
    use(
      JSON.parse(result.stdout) as Told,
      profiles.flatMap(({ profile }) => profile.comments),
    );
  });
}

describe('a service', () => {
  test('that leaks: site and owner are named, in status() and in the profile', async () => {
    await service(['14', 'leak'], ({ memory, invocations }, comments) => {
      const [leak, ...others] = memory.leaks ?? [];
      expect(others).toEqual([]);
      expect(leak).toMatchObject({
        site: { function: 'remember', file: join(programs, 'truth/service.mjs') },
        owner: { agent_name: 'writer', tool_name: 'browser' },
      });
      const bytes = invocations * 1280 * 8;
      expect((leak?.bytesNow ?? 0) / bytes).toBeGreaterThan(0.85);
      expect((leak?.bytesNow ?? 0) / bytes).toBeLessThan(1.15);
      expect(comments.find((line) => line.startsWith('leak: remember ('))).toMatch(
        / agent_name=writer tool_name=browser bytes=\d+ bytes_per_hour=\d+ first_seen=2\S+Z confidence=0\.\d\d$/,
      );
    });
  });

  test('that is healthy: nothing is named; collections and gauges are told', async () => {
    await service(['14'], ({ memory }, comments) => {
      expect(memory.leaks).toEqual([]);
      expect(comments.filter((line) => line.startsWith('leak'))).toEqual([]);
      const { gc, now, window } = memory;
      expect(gc?.total.scavenge?.count).toBeGreaterThan(0);
      expect(gc?.total.markSweep?.count).toBeGreaterThan(0);
      for (const pause of gc?.pauses ?? []) {
        expect(GC_KINDS).toContain(pause.kind);
        expect(pause.durationMicros).toBeGreaterThan(0);
        expect(pause.beforeBytes).toBeGreaterThan(1e6);
        expect(pause.afterBytes).toBeGreaterThan(1e6);
      }
      for (const gauges of [now, window]) {
        expect(gauges?.rss).toBeGreaterThan(gauges?.heapTotal ?? Number.POSITIVE_INFINITY);
        expect(gauges?.heapTotal).toBeGreaterThan(gauges?.heapUsed ?? Number.POSITIVE_INFINITY);
        expect(gauges?.arrayBuffers).toBeLessThanOrEqual(gauges?.external ?? 0);
        expect(gauges?.mallocUsed).toBeGreaterThan(1e6);
      }
    });
  });
});
