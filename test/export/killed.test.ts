/** Whole programs under the preload: how they end, and what the server has afterwards. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  cleanEnvironment,
  programs,
  registerFile,
  root,
  runProgram,
  withFolder,
} from '../helpers/programs.ts';
import { type Received, Receiver, until } from '../helpers/receiver.ts';

const server = new Receiver();
beforeEach(async () => {
  server.stored.splice(0);
  await server.up();
});
afterEach(() => server.down());

/** A program that works until it is killed; `completed` is how many windows it says it has ended. */
function start(spool: string, agentName: string) {
  const child = spawn(
    process.execPath,
    ['--require', registerFile, join(programs, 'export/works.mjs'), agentName],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        ...cleanEnvironment(),
        SPANPROF_SERVICE_NAME: agentName,
        SPANPROF_WINDOW_SECONDS: '1',
        SPANPROF_HEAP: 'off',
        SPANPROF_PYROSCOPE_ENDPOINT: server.url,
        SPANPROF_SPOOL_DIRECTORY: spool,
        SPANPROF_UPLOAD_FIRST_RETRY_SECONDS: '0.05',
        SPANPROF_UPLOAD_MAX_RETRY_SECONDS: '0.2',
      },
    },
  );
  const program = {
    completed: 0,
    changedMillis: Date.now(),
    async kill(): Promise<void> {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    },
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    for (const [, count] of text.matchAll(/completed (\d+)/g)) {
      program.completed = Number(count);
      program.changedMillis = Date.now();
    }
  });
  return program;
}
type Program = ReturnType<typeof start>;

/** Kills in the middle of a window: what has just ended is on its way to the disk for a moment. */
async function killInMidWindow(program: Program): Promise<void> {
  for (;;) {
    const sinceMillis = Date.now() - program.changedMillis;
    if (sinceMillis > 400 && sinceMillis < 700) return program.kill();
    await delay(10);
  }
}

const windowsOf = (service: string, type: string): Received[] =>
  server.stored.filter(
    ({ labels, profile }) => labels['service_name'] === service && profile.profileType === type,
  );

/** Every window once, in order, one after another without a gap. */
function expectUnbroken(windows: readonly Received[]): void {
  for (const [i, { profile }] of windows.entries()) {
    const next = windows[i + 1]?.profile.timeNanos;
    if (next !== undefined) expect(next).toBe(profile.timeNanos + profile.durationNanos);
  }
}

test('a program killed in an outage loses the window it was in, and no other', async () => {
  await withFolder(async (spool) => {
    server.mood = { status: 503 };
    const killed = start(spool, 'killed');
    await until(
      () => killed.completed >= 4,
      () => `${killed.completed} windows`,
      60_000,
    );
    await killInMidWindow(killed);
    expect(server.stored).toEqual([]);

    server.mood = 'ok';
    const next = start(spool, 'next');
    await until(
      () => windowsOf('next', 'cpu').length >= 1,
      () => 'nothing new',
      60_000,
    );
    await next.kill();
    for (const type of ['cpu', 'wall']) {
      const windows = windowsOf('killed', type);
      expect(windows).toHaveLength(killed.completed);
      expectUnbroken(windows);
      expect(windows[1]?.profile.labelSets).toContainEqual({ agent_name: 'killed' });
    }
  });
}, 120_000);

test('several processes share a directory: what the dead left is sent once', async () => {
  await withFolder(async (spool) => {
    server.mood = { status: 503 };
    const names = ['one', 'two', 'three'];
    const killed = names.map((name) => start(spool, name));
    await until(() => killed.every(({ completed }) => completed >= 2), String, 60_000);
    await Promise.all(killed.map(killInMidWindow));

    server.mood = 'ok';
    const heirs = ['four', 'five'].map((name) => start(spool, name));
    await until(
      () => ['four', 'five'].every((name) => windowsOf(name, 'cpu').length >= 1),
      String,
      60_000,
    );
    await Promise.all(heirs.map((heir) => heir.kill()));
    for (const [i, name] of names.entries()) {
      const windows = windowsOf(name, 'cpu').sort((one, other) =>
        one.profile.timeNanos < other.profile.timeNanos ? -1 : 1,
      );
      expect(windows).toHaveLength(killed[i]?.completed ?? -1);
      expectUnbroken(windows);
    }
  });
}, 120_000);

describe('a program that ends', () => {
  const ends = [
    ['by itself', 'return', 0, null],
    ['by process.exit', 'process.exit(3)', 3, null],
    ['by SIGTERM', "process.kill(process.pid, 'SIGTERM')", null, 'SIGTERM'],
  ] as const;

  async function runToEnd(folder: string, end: string, url: string) {
    const file = join(folder, 'ends.mjs');
    writeFileSync(
      file,
      `const until = Date.now() + 300; while (Date.now() < until);\n(() => { ${end} })();`,
    );
    return runProgram(file, {
      nodeArgs: ['--require', registerFile],
      env: {
        SPANPROF_SERVICE_NAME: 'ends',
        SPANPROF_HEAP: 'off',
        SPANPROF_PYROSCOPE_ENDPOINT: url,
        SPANPROF_SPOOL_DIRECTORY: join(folder, 'spool'),
        SPANPROF_UPLOAD_EXIT_SECONDS: server.mood === 'hang' ? '0.5' : '20',
      },
    });
  }
  const left = (folder: string) =>
    readdirSync(join(folder, 'spool'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.spool'),
    );

  test.each(ends)(
    '%s: its last window is delivered before it is gone',
    async (_, end, code, signal) => {
      await withFolder(async (folder) => {
        server.mood = 'ok';
        expect(await runToEnd(folder, end, server.url)).toMatchObject({ code, signal, stderr: '' });
        const stored = server.stored.map(({ profile }) => profile.profileType).sort();
        // A signal is held up for two seconds at most; on a busy machine the window waits on disk then.
        if (signal !== null && stored.length < 2) expect(left(folder).length).toBeGreaterThan(0);
        else expect({ stored, left: left(folder) }).toEqual({ stored: ['cpu', 'wall'], left: [] });
      });
    },
  );

  test('while the server hangs: it ends in time, and the window waits for the next start', async () => {
    await withFolder(async (folder) => {
      server.mood = 'hang';
      const begin = performance.now();
      expect(await runToEnd(folder, 'return', server.url)).toMatchObject({ code: 0, stderr: '' });
      // Half a second for the last upload; the rest is the program, on a machine that may be busy.
      expect(performance.now() - begin).toBeLessThan(10_000);
      expect(left(folder)).toHaveLength(2);
      server.mood = 'ok';
      await runToEnd(folder, 'return', server.url);
      expect(server.stored).toHaveLength(4);
      expect(left(folder)).toEqual([]);
    });
  });
});
