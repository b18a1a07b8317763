/** What went wrong once and must not again: long jobs, second sessions, Node's own threads. */
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ScopeStoreStatus } from '../../src/attribution/scope-store.ts';
import { readProfiles, samplesOf, total } from '../helpers/profiles.ts';
import { programs, root, runProgram, withFolder } from '../helpers/programs.ts';

test('a job that never ends does not pile up its scopes', async () => {
  await withFolder(async (folder) => {
    const result = await runProgram(join(programs, 'agent/one-long-job.mjs'), {
      // At some 200 bytes each they would need 400 MB. Weak references would keep them all until
      // the job ends; weak handles let them go with the next scavenge.
      args: ['1000000'],
      nodeArgs: ['--max-old-space-size=128'],
      env: { SPANPROF_FILE_DIRECTORY: folder },
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const { opened, older, evicted } = JSON.parse(result.stdout) as ScopeStoreStatus;
    expect(opened).toBeGreaterThanOrEqual(2_000_000);
    expect(older).toBeLessThan(500_000);
    expect(evicted).toBe(0);
  });
});

test('workers may be terminated while they hold scopes', async () => {
  await withFolder(async (folder) => {
    const result = await runProgram(join(programs, 'agent/terminated-workers.mjs'), {
      env: { SPANPROF_FILE_DIRECTORY: folder },
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(result.stdout).older).toBeGreaterThan(5_000);
  });
});

test('work of a first session never gets labels of the second', async () => {
  await withFolder(async (folder) => {
    const result = await runProgram(join(programs, 'agent/two-sessions.mjs'), {
      env: { SPANPROF_FILE_DIRECTORY: folder, SPANPROF_CPU_FREQUENCY_HERTZ: '500' },
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const samples = readProfiles(folder, 'cpu').flatMap(({ profile }) => samplesOf(profile));
    const of = (name: string) => samples.filter(({ stack }) => stack.includes(name));
    expect(total(of('oldWork'), 'count')).toBeGreaterThan(100);
    expect(of('oldWork').filter(({ labels }) => labels['agent_name'] === 'new')).toEqual([]);
    expect(of('newWork').filter(({ labels }) => labels['agent_name'] !== 'new')).toEqual([]);
  });
});

test('module hooks work under the preload, by the name users give it', async () => {
  await withFolder(async (folder) => {
    const app = join(folder, 'app.mjs');
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/spanprof'));
    copyFileSync(join(programs, 'agent/loader.mjs'), app);
    for (const preload of ['--require', '--import']) {
      const result = await runProgram(app, {
        cwd: folder,
        nodeArgs: [preload, 'spanprof/register'],
        env: { SPANPROF_FILE_DIRECTORY: join(folder, 'profiles') },
      });
      expect(result.stdout).toBe('loaded\n');
      expect(result.code).toBe(0);
      // Node itself warns that module.register() goes away; nothing else may be said.
      expect(
        result.stderr.replace(/^.*DeprecationWarning.*\n|^\(Use `node --trace.*\n/gm, ''),
      ).toBe('');
    }
  });
});
