/** What is missing, broken or in the way never harms the application, and is said in one line. */
import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readProfiles, type Sample, samplesOf, total } from '../helpers/profiles.ts';
import {
  profileFiles,
  programs,
  registerFile,
  root,
  runProgram,
  withFolder,
} from '../helpers/programs.ts';
import { remount, tmpfsAvailable, withTmpfs } from '../helpers/tmpfs.ts';

const abi = process.versions.modules;
const platform = `${process.platform}-${process.arch}`;
const LOST =
  'lost: bills, allocation profiles, leaks, source maps, labels of heap samples; labels of CPU samples come from async_hooks';

/** The package as installed, with the addon that `addon` names, or none; and a program beside it. */
function installCopy(folder: string, addon: string | undefined): { register: string; app: string } {
  const copy = join(folder, 'node_modules/spanprof');
  mkdirSync(copy, { recursive: true });
  cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
  copyFileSync(join(root, 'package.json'), join(copy, 'package.json'));
  for (const name of [
    '@datadog',
    '@jridgewell',
    'pprof-format',
    'smol-toml',
    'node-gyp-build',
    'source-map',
  ]) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  if (addon !== undefined) {
    const target = join(copy, 'prebuilds', platform);
    mkdirSync(target, { recursive: true });
    copyFileSync(addon, join(target, `spanprof.abi${abi}.glibc.node`));
  }
  const app = join(folder, 'works.mjs');
  copyFileSync(join(programs, 'degraded/works.mjs'), app);
  writeFileSync(join(folder, 'package.json'), '{ "name": "app" }');
  return { register: join(copy, 'dist/register.js'), app };
}

const labelled = (samples: Sample[], owner: string): Sample[] =>
  samples.filter(({ stack }) => stack.includes(`burn_${owner}`));

describe('without the addon', () => {
  const cases: [string, (folder: string) => string | undefined, RegExp][] = [
    ['removed', () => undefined, /\(no binary for this platform\)/],
    [
      'not a library',
      (folder) => {
        const file = join(folder, 'broken.node');
        writeFileSync(file, 'not a library');
        return file;
      },
      /\([^)]*(file too short|invalid ELF header)[^)]*\)/,
    ],
    [
      'built for another Node',
      (folder) => {
        // Ours, with the symbol by which Node finds the entry of its own ABI made another one's.
        const addon = readFileSync(
          join(root, 'prebuilds', platform, `spanprof.abi${abi}.glibc.node`),
        );
        const symbol = `node_register_module_v${abi}`;
        for (let at = addon.indexOf(symbol); at >= 0; at = addon.indexOf(symbol, at + 1)) {
          addon.write('999', at + symbol.length - 3);
        }
        const file = join(folder, 'other.node');
        writeFileSync(file, addon);
        return file;
      },
      /\(.+\)/,
    ],
  ];
  test.each(cases)(
    '%s: one line, profiles with labels, the application unharmed',
    async (_, addon, reason) => {
      await withFolder(async (folder) => {
        const { register, app } = installCopy(folder, addon(folder));
        const profiles = join(folder, 'profiles');
        const result = await runProgram(app, {
          cwd: folder,
          nodeArgs: ['--require', register],
          env: { SPANPROF_FILE_DIRECTORY: profiles, SPANPROF_CPU_FREQUENCY_HERTZ: '500' },
        });
        expect(result).toMatchObject({ code: 3, stdout: 'done 40\n' });
        const lines = result.stderr.trimEnd().split('\n');
        expect(lines).toHaveLength(1);
        expect(lines[0]).toMatch(reason);
        expect(lines[0]?.replace(/ABI (\d+) \(.*\);/, 'ABI $1 (…);')).toBe(
          `spanprof: native addon not available for ${platform} ABI ${abi} (…); ${LOST}`,
        );
        const samples = readProfiles(profiles, 'cpu').flatMap(({ profile }) => samplesOf(profile));
        for (const owner of ['a', 'b']) {
          const own = labelled(samples, owner);
          expect(total(own, 'count')).toBeGreaterThan(10);
          expect(own.filter(({ labels }) => labels['agent_name'] !== owner)).toEqual([]);
        }
        expect(profileFiles(profiles).map(({ profileType }) => profileType)).toContain('heap');
      });
    },
  );
});

test('a process with workers says a thing once', async () => {
  await withFolder(async (folder) => {
    const result = await runProgram(join(programs, 'degraded/workers.mjs'), {
      nodeArgs: ['--require', registerFile],
      env: { SPANPROF_EXPORTERS: 'gcp', SPANPROF_SERVICE_NAME: 'Shop' },
      cwd: folder,
    });
    expect(result).toMatchObject({ code: 0, stdout: 'done\n' });
    expect(result.stderr).toBe(
      'spanprof: Google Cloud Profiler is off: serviceName "Shop" is not one that Google Cloud takes (a-z, 0-9, "-", "_", "."); "shop" would do; everything else works\n',
    );
  });
});

describe('another profiler', () => {
  test('runs already: ours stay off, both lines said, theirs goes on', async () => {
    await withFolder(async (folder) => {
      const result = await runProgram(join(programs, 'degraded/works.mjs'), {
        nodeArgs: [
          '--require',
          join(programs, 'degraded/datadog-first.cjs'),
          '--require',
          registerFile,
        ],
        env: { SPANPROF_FILE_DIRECTORY: folder },
      });
      expect(result).toMatchObject({ code: 3, stdout: 'done 40\n' });
      expect(result.stderr).toBe(
        'spanprof: CPU profiling is off: another profiler already uses SIGPROF in this process; everything else works\n' +
          'spanprof: heap profiling is off: something else already samples the heap in this thread; everything else works\n',
      );
      expect(profileFiles(folder)).toEqual([]);
    });
  });

  test('comes later and goes again: both get their samples, nothing is said', async () => {
    await withFolder(async (folder) => {
      const result = await runProgram(join(programs, 'degraded/works.mjs'), {
        nodeArgs: [
          '--require',
          registerFile,
          '--require',
          join(programs, 'degraded/datadog-later.cjs'),
        ],
        env: { SPANPROF_FILE_DIRECTORY: folder, SPANPROF_CPU_FREQUENCY_HERTZ: '500' },
      });
      expect(result).toMatchObject({ code: 3, stdout: 'done 40\n', stderr: '' });
      const samples = readProfiles(folder, 'cpu').flatMap(({ profile }) => samplesOf(profile));
      for (const owner of ['a', 'b']) {
        const own = labelled(samples, owner);
        expect(total(own, 'count')).toBeGreaterThan(10);
        expect(own.filter(({ labels }) => labels['agent_name'] !== owner)).toEqual([]);
      }
    });
  });
});

describe.skipIf(!tmpfsAvailable)('the disk', () => {
  test('read-only: one line, the application unharmed', async () => {
    await withTmpfs(1024 * 1024, async (folder) => {
      remount(folder, 'ro');
      const result = await runProgram(join(programs, 'degraded/works.mjs'), {
        nodeArgs: ['--require', registerFile],
        env: { SPANPROF_FILE_DIRECTORY: join(folder, 'profiles') },
      });
      expect(result).toMatchObject({ code: 3, stdout: 'done 40\n' });
      expect(result.stderr.replace(folder, '…')).toBe(
        'spanprof: profiles cannot be written to …/profiles (EROFS: read-only file system); they are dropped and counted\n',
      );
    });
  });

  test('full: one line, the application unharmed', async () => {
    await withTmpfs(64 * 1024, async (folder) => {
      writeFileSync(join(folder, 'filler'), Buffer.alloc(60 * 1024));
      const result = await runProgram(join(programs, 'degraded/works.mjs'), {
        nodeArgs: ['--require', registerFile],
        env: { SPANPROF_FILE_DIRECTORY: folder, SPANPROF_WINDOW_SECONDS: '1' },
      });
      expect(result).toMatchObject({ code: 3, stdout: 'done 40\n' });
      expect(result.stderr.replace(folder, '…')).toBe(
        'spanprof: no space left for profiles in … (ENOSPC: no space left on device); they are dropped and counted\n',
      );
    });
  });
});
