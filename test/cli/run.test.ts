import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { profileFiles, programs, withFolder } from '../helpers/programs.ts';
import { hasPty, spanprof, spanprofInPty, withoutColours } from './spanprof.ts';

const program = join(programs, 'cli/two-agents.mjs');

describe('run', () => {
  test('says what cost what, leaves stdout to the program and ends like it', () =>
    withFolder(async (folder) => {
      const { code, stdout, stderr } = await spanprof(['run', '-d', 'p', program, '3'], {
        cwd: folder,
      });
      expect([code, stdout]).toEqual([3, 'done\n']);
      expect(stderr).toContain(`${program} ended with code 3 after`);
      const cpu = stderr.slice(stderr.indexOf('CPU time'), stderr.indexOf('Live heap'));
      expect(cpu).toMatch(/by agent_name\n.*planner\n.*writer\n/);
      expect(cpu).toMatch(/by tool_name\n.*search\n/);
      expect(cpu).toMatch(/by function\n.*burn .*two-agents\.mjs:/);
      expect(stderr).toMatch(/Live heap at the end.*planner/s);
      expect(stderr).toMatch(/4 profiles \([\d.]+kB\) in p; to look at them:/);
      const types = profileFiles(join(folder, 'p')).map(({ profileType }) => profileType);
      expect(types).toEqual(['allocs', 'cpu', 'heap', 'wall']);
    }));

  test('gives the summary as JSON, into a file', () =>
    withFolder(async (folder) => {
      const args = ['run', '--json', '-o', 'costs.json', program];
      const { code, stdout, stderr } = await spanprof(args, { cwd: folder });
      expect([code, stdout, stderr]).toEqual([0, 'done\n', '']);
      const costs = JSON.parse(readFileSync(join(folder, 'costs.json'), 'utf8'));
      expect(costs).toMatchObject({ how: 'code 0', files: 4, unreadable: [] });
      const cpu = costs.profiles.find((one: { profileType: string }) => one.profileType === 'cpu');
      const [planner, writer] = ['planner', 'writer'].map(
        (agent) =>
          cpu.labels.agent_name.find((row: { value: string }) => row.value === agent).sum / 1e6,
      );
      // Burnt by the CPU clock of the whole process, so a little less on this thread.
      expect(planner).toBeGreaterThan(250);
      expect(writer).toBeGreaterThan(100);
      expect(planner).toBeGreaterThan(writer ?? 0);
      expect(readdirSync(join(folder, 'profiles'))).toEqual([
        expect.stringMatching(/^run-\d{8}T\d{6}Z-\d+$/),
      ]);
    }));

  test('ends by the signal that ended the program', () =>
    withFolder(async (folder) => {
      const { code, signal, stderr } = await spanprof(['run', program, 'SIGTERM'], { cwd: folder });
      expect([code, signal]).toEqual([null, 'SIGTERM']);
      expect(stderr).toContain('ended with SIGTERM');
      expect(stderr).toContain('4 profiles');
    }));

  test.each(['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGUSR2'] as const)(
    'passes %s on to the program, whose business it is',
    (signal) =>
      withFolder(async (folder) => {
        const source = `process.on('${signal}', () => { console.log('got it'); process.exit(7); });
          setInterval(() => {}, 1000); console.log('ready');`;
        let sent = false;
        const result = await spanprof(['run', '-q', '--node=-e', `--node=${source}`, '--', 'x'], {
          cwd: folder,
          onStdout(child) {
            if (!sent) child.kill(signal);
            sent = true;
          },
        });
        expect([result.stdout, result.code]).toEqual(['ready\ngot it\n', 7]);
      }),
  );

  test('passes stdin, and arguments that look like ours', () =>
    withFolder(async (folder) => {
      const args = [
        'run',
        '-q',
        '--node=-e',
        '--node=process.stdin.pipe(process.stdout)',
        'x',
        '--json',
      ];
      const { stdout, stderr } = await spanprof(args, { cwd: folder, stdin: 'through\n' });
      expect([stdout, stderr]).toEqual(['through\n', '']);
    }));

  test('says why there are no profiles', () =>
    withFolder(async (folder) => {
      const { code, stderr } = await spanprof(['run', 'missing.js'], { cwd: folder });
      expect(code).toBe(1);
      expect(stderr).toContain('Cannot find module');
    }));

  test.skipIf(!hasPty)('in a terminal: says where profiles go, in colours', () =>
    withFolder(async (folder) => {
      const { code, output } = await spanprofInPty(['run', '-d', 'p', program, '5'], {
        cwd: folder,
      });
      expect(code).toBe(5);
      expect(output).toContain('\u001b[1mCPU time');
      const text = withoutColours(output);
      expect(text).toMatch(/^spanprof: profiling .*two-agents\.mjs into p\ndone\n/);
      expect(text).toContain('planner');
      const rows = text.split('\n').filter((line) => line.includes('%'));
      expect(rows.length).toBeGreaterThan(5);
      for (const line of rows) expect(line.length).toBeLessThanOrEqual(100);
    }),
  );

  test.skipIf(!hasPty)('in a terminal: Ctrl-C reaches the program once', () =>
    withFolder(async (folder) => {
      const source = `let n = 0; process.on('SIGINT', () => { n++; setTimeout(() => { console.log('got', n); process.exit(7); }, 500); });
        setInterval(() => {}, 1000); console.log('ready');`;
      const { code, output } = await spanprofInPty(
        ['run', '-q', '--node=-e', `--node=${source}`, 'x'],
        { cwd: folder, steps: [['ready', '\u0003']] },
      );
      expect(code).toBe(7);
      expect(withoutColours(output)).toContain('got 1');
    }),
  );
});
