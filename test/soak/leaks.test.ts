/**
 * Four real services at once: the one that leaks is named with site and owner within five minutes, the
 * three healthy ones raise nothing in fifteen. In real time with the default window; with
 * TEST_SOAK_SECONDS everything is as much faster as it is shorter, window and load alike.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Leak } from '../../src/memory/leaks.ts';
import { readProfiles } from '../helpers/profiles.ts';
import { jsonLines, programs, runProgram, withFolder } from '../helpers/programs.ts';

const MINUTES = 15;
const REAL_SECONDS = MINUTES * 60;
const SECONDS = Number(process.env['TEST_SOAK_SECONDS'] ?? REAL_SECONDS);
const WINDOW_SECONDS = Math.max(1, Math.round((60 * SECONDS) / REAL_SECONDS));
const SPEED = 60 / WINDOW_SECONDS;
const WITHIN_SECONDS = 300;
const file = join(programs, 'truth/memory-service.mjs');

interface Told {
  readonly atSeconds: number;
  readonly leaks: readonly Leak[];
}
interface End {
  readonly named: number;
  readonly invocations: number;
  readonly windows: number;
}

/** What the service says when, and at the end; `serviceSeconds` by its own clock. */
async function serve(kind: string, serviceSeconds: number) {
  return withFolder(async (folder) => {
    const seconds = serviceSeconds / SPEED;
    const result = await runProgram(file, {
      args: [kind, String(seconds), String(SPEED)],
      timeoutMillis: (seconds + 60) * 1000,
      env: { SPANPROF_FILE_DIRECTORY: folder, SPANPROF_WINDOW_SECONDS: String(WINDOW_SECONDS) },
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const lines = jsonLines(result.stdout);
    const end = lines.pop() as End;
    // The load was as it should be: forty invocations in a second.
    expect(end.invocations / (serviceSeconds * 40)).toBeGreaterThan(0.95);
    const comments = readProfiles(folder, 'heap').flatMap(({ profile }) => profile.comments);
    return { told: lines as Told[], end, leaks: comments.filter((line) => /^leak/.test(line)) };
  });
}

describe.concurrent('a service under steady load', () => {
  test('that hoards 1 MB in 100 invocations is named within five minutes', async () => {
    const { told, leaks } = await serve('leak', WITHIN_SECONDS + 90);
    const [first] = told;
    const [leak] = first?.leaks ?? [];
    console.log(
      `named after ${first?.atSeconds.toFixed(1)} s, confidence ${leak?.confidence.toFixed(2)}, ` +
        `${((leak?.growthBytesPerHour ?? 0) / SPEED / 1e6).toFixed(0)} MB/h of 1475, as ${leak?.site.function}:${leak?.site.line}`,
    );
    expect(first?.atSeconds).toBeLessThan(WITHIN_SECONDS);
    for (const one of told) {
      expect(one.leaks).toHaveLength(1);
      expect(one.leaks[0]?.owner).toEqual({ agent_name: 'writer', tool_name: 'browser' });
      expect(one.leaks[0]?.site).toMatchObject({ function: 'leak', file });
    }
    expect(leak?.growthBytesPerHour).toBeGreaterThan(1475e6 * SPEED * 0.75);
    expect(leak?.growthBytesPerHour).toBeLessThan(1475e6 * SPEED * 1.3);
    expect(leaks.length).toBeGreaterThan(0);
  });

  test.each(['cache', 'pool', 'warm-up'])('%s raises nothing in fifteen', async (kind) => {
    const { told, end, leaks } = await serve(kind, REAL_SECONDS + 5);
    expect(told).toEqual([]);
    expect(leaks).toEqual([]);
    expect(end.named).toBe(0);
    expect(end.windows).toBeGreaterThanOrEqual(MINUTES);
  });
});
