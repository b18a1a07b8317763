import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EncodedProfile } from '../../src/export/exporter.ts';
import { FileExporter } from '../../src/export/file.ts';
import type { ProfileType } from '../../src/profile/model.ts';
import { milliseconds } from '../../src/units.ts';
import { remount, tmpfsAvailable, withTmpfs } from '../helpers/tmpfs.ts';

const START = Date.UTC(2026, 10, 20, 20, 15, 30, 0);
const KIB = 1024;
const MINUTE_SECONDS = 60;

/** A profile that begins `at` milliseconds after the start; its content is of `bytes` bytes. */
function profileAt(at: number, profileType: ProfileType = 'cpu', bytes = 100): EncodedProfile {
  return {
    profileType,
    startMillis: milliseconds(START + at),
    endMillis: milliseconds(START + at + 1),
    serviceName: 'checkout',
    processId: 4242,
    threadId: undefined,
    pprof: new Uint8Array(bytes).fill(at & 255),
  };
}

const nameAt = (at: number, type = 'cpu', processId = 4242): string =>
  `20261120T201530.${String(at).padStart(3, '0')}Z-checkout-${processId}-${type}.pb.gz`;

/** Both ways to store a profile must do the same. */
const ways = [
  ['export', (exporter: FileExporter, profile: EncodedProfile) => exporter.export(profile)],
  [
    'exportSync',
    async (exporter: FileExporter, profile: EncodedProfile) => exporter.exportSync(profile),
  ],
] as const;

let directory = '';
let reports: string[] = [];
const report = (message: string): void => {
  reports.push(message);
};
const generous = { maxFiles: 1_000, maxBytes: 1_000_000_000, report };

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'spanprof-file-'));
  reports = [];
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

/** What is in a directory, hidden files too. */
const list = (folder = directory): string[] => fs.readdirSync(folder).sort();

describe.each(ways)('%s', (_, store) => {
  test('writes one whole file for the owner only, into a directory it makes', async () => {
    const folder = path.join(directory, 'deep/profiles');
    const exporter = new FileExporter({ ...generous, directory: folder });
    expect(fs.existsSync(folder)).toBe(false);
    const pprof = gzipSync(Buffer.from('a profile'));
    await store(exporter, { ...profileAt(123), pprof });
    await store(exporter, { ...profileAt(123, 'heap'), pprof, threadId: 3 });
    expect(list(folder)).toEqual([
      '20261120T201530.123Z-checkout-4242-cpu.pb.gz',
      '20261120T201530.123Z-checkout-4242.3-heap.pb.gz',
    ]);
    const file = path.join(folder, nameAt(123));
    expect(gunzipSync(fs.readFileSync(file)).toString()).toBe('a profile');
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(exporter.status()).toEqual({
      name: 'file',
      destination: folder,
      exported: 2,
      dropped: {},
      lastError: undefined,
      files: 2,
      bytes: 2 * pprof.byteLength,
      deleted: 0,
      undeletable: 0,
      staleRemoved: 0,
    });
    expect(reports).toEqual([]);
  });

  test('windows that begin in the same millisecond keep apart', async () => {
    const exporter = new FileExporter({ ...generous, directory });
    await Promise.all([10, 20, 30].map((bytes) => store(exporter, profileAt(5, 'cpu', bytes))));
    // Another agent in the same process knows nothing of the first but what is on the disk.
    const other = new FileExporter({ ...generous, directory });
    await store(other, profileAt(5, 'cpu', 40));
    await store(other, profileAt(5, 'cpu', 50));
    expect(list()).toEqual([5, 6, 7, 8, 9].map((at) => nameAt(at)));
    const sizes = list().map((name) => fs.statSync(path.join(directory, name)).size);
    expect(sizes.toSorted()).toEqual([10, 20, 30, 40, 50]);
  });

  test('keeps to its directory when the application moves, and makes it again when it is gone', async () => {
    const before = process.cwd();
    const other = path.join(directory, 'other');
    fs.mkdirSync(other);
    try {
      process.chdir(directory);
      const exporter = new FileExporter({ ...generous, directory: 'profiles' });
      process.chdir(other);
      await store(exporter, profileAt(1));
      fs.rmSync(path.join(directory, 'profiles'), { recursive: true });
      await store(exporter, profileAt(2));
      expect(list(path.join(directory, 'profiles'))).toEqual([nameAt(2)]);
      expect(exporter.status()).toMatchObject({ exported: 2, dropped: {} });
    } finally {
      process.chdir(before);
    }
  });

  test('keeps the newest by count, and leaves the files of others alone', async () => {
    const foreign = ['notes.md', 'old-cpu.pb.gz', '.spanprof', '.spanprof-1-abc.tmp'];
    for (const name of foreign) fs.writeFileSync(path.join(directory, name), 'mine');
    const folderOfThatName = nameAt(0, 'wall');
    fs.mkdirSync(path.join(directory, folderOfThatName));
    fs.writeFileSync(path.join(directory, nameAt(1, 'heap', 77)), 'of another process');
    const exporter = new FileExporter({ ...generous, directory, maxFiles: 3 });
    for (let at = 2; at < 12; at += 1) await store(exporter, profileAt(at));
    expect(list()).toEqual(
      [...foreign, folderOfThatName, nameAt(9), nameAt(10), nameAt(11)].toSorted(),
    );
    expect(exporter.status()).toMatchObject({ files: 3, bytes: 300, deleted: 8, exported: 10 });
  });

  test('keeps to the bytes, but never deletes what it has just written', async () => {
    const exporter = new FileExporter({ ...generous, directory, maxBytes: 1_000 });
    for (let at = 0; at < 5; at += 1) await store(exporter, profileAt(at, 'cpu', 300));
    expect(list()).toEqual([nameAt(2), nameAt(3), nameAt(4)]);
    await store(exporter, profileAt(5, 'cpu', 5_000));
    expect(list()).toEqual([nameAt(5)]);
    // The clock was set back: the oldest by name is the newest in truth.
    await store(exporter, profileAt(1, 'cpu', 10));
    expect(list()).toEqual([nameAt(1)]);
    expect(exporter.status()).toMatchObject({ exported: 7, deleted: 6, files: 1, bytes: 10 });
  });

  test('sees what other processes wrote after 64 writes, not at each', async () => {
    const exporter = new FileExporter({ ...generous, directory, maxFiles: 5 });
    await store(exporter, profileAt(100));
    for (let at = 0; at < 10; at += 1) {
      fs.writeFileSync(path.join(directory, nameAt(at, 'heap', 77)), 'theirs');
    }
    for (let at = 101; at < 164; at += 1) await store(exporter, profileAt(at));
    expect(list()).toHaveLength(15);
    await store(exporter, profileAt(164));
    expect(list()).toEqual([160, 161, 162, 163, 164].map((at) => nameAt(at)));
  });

  test('takes it easy when its files vanish or cannot be deleted', async () => {
    const exporter = new FileExporter({ ...generous, directory, maxFiles: 2 });
    await store(exporter, profileAt(0));
    await store(exporter, profileAt(1));
    fs.rmSync(path.join(directory, nameAt(0)));
    fs.rmSync(path.join(directory, nameAt(1)));
    fs.mkdirSync(path.join(directory, nameAt(1)));
    await store(exporter, profileAt(2));
    await store(exporter, profileAt(3));
    expect(list()).toEqual([nameAt(1), nameAt(2), nameAt(3)]);
    expect(exporter.status()).toMatchObject({ deleted: 0, undeletable: 1, exported: 4 });
    expect(reports).toEqual([]);
  });

  test('cleans up after killed processes, and only after them', async () => {
    const dead = spawnSync(process.execPath, ['--version']).pid;
    const temporary = (processId: number, at: number): string =>
      `.spanprof-${processId}-${String(at).padStart(16, '0')}.tmp`;
    const old = 20 * MINUTE_SECONDS;
    const ancient = 25 * 60 * MINUTE_SECONDS;
    const ages: Record<string, number> = {
      [temporary(dead, 0)]: old,
      [temporary(process.ppid, 1)]: ancient, // whoever has that number now, it is another one
      [temporary(process.pid, 2)]: old, // from before this process began
      [temporary(dead, 3)]: 1,
      [temporary(process.ppid, 4)]: old,
      [`.spanprof-${dead}-5.tmp`]: ancient,
      [`x${temporary(dead, 6)}`]: ancient,
    };
    for (const [name, ageSeconds] of Object.entries(ages)) {
      const file = path.join(directory, name);
      fs.writeFileSync(file, 'half');
      const then = Date.now() / 1000 - ageSeconds;
      fs.utimesSync(file, then, then);
    }
    const exporter = new FileExporter({ ...generous, directory });
    await store(exporter, profileAt(0));
    expect(list()).toEqual([...Object.keys(ages).slice(3), nameAt(0)].toSorted());
    expect(exporter.status()).toMatchObject({ staleRemoved: 3, deleted: 0 });
  });

  test('a file in the place of the directory: said once, counted each time', async () => {
    const blocked = path.join(directory, 'blocked');
    fs.writeFileSync(blocked, '');
    const exporter = new FileExporter({ ...generous, directory: blocked });
    for (let at = 0; at < 3; at += 1) await store(exporter, profileAt(at));
    const message = `profiles cannot be written to ${blocked} (ENOTDIR: not a directory); they are dropped and counted`;
    expect(reports).toEqual([message]);
    expect(exporter.status()).toMatchObject({
      exported: 0,
      dropped: { FILE_DIRECTORY_UNWRITABLE: 3 },
      lastError: message,
    });
    // Mended, it works again; broken again, it is said again.
    fs.rmSync(blocked);
    await store(exporter, profileAt(3));
    expect(exporter.status().exported).toBe(1);
    fs.rmSync(blocked, { recursive: true });
    fs.writeFileSync(blocked, '');
    await store(exporter, profileAt(4));
    expect(reports).toEqual([message, message]);
  });

  test('a directory of somebody else', async () => {
    const locked = path.join(directory, 'locked');
    fs.mkdirSync(locked, { mode: 0o555 });
    const exporter = new FileExporter({ ...generous, directory: locked });
    await asOrdinaryUser(async () => {
      await store(exporter, profileAt(0));
    });
    expect(reports).toEqual([
      `profiles cannot be written to ${locked} (EACCES: permission denied); they are dropped and counted`,
    ]);
    expect(list(locked)).toEqual([]);
  });

  test('any other trouble', async () => {
    const broken = `${directory}/${'x'.repeat(300)}`;
    const exporter = new FileExporter({ ...generous, directory: broken });
    await store(exporter, profileAt(0));
    expect(reports).toEqual([
      `a profile could not be written to ${broken} (ENAMETOOLONG: name too long); it is dropped and counted`,
    ]);
    expect(exporter.status().dropped).toEqual({ FILE_WRITE_FAILED: 1 });
    fs.symlinkSync(`${directory}/nowhere`, `${directory}/link`);
    for (const dangling of [`${directory}/link`, `${directory}/link/deep/profiles`]) {
      const lost = new FileExporter({ ...generous, directory: dangling });
      await store(lost, profileAt(0));
      expect(lost.status().lastError).toBe(
        `a profile could not be written to ${dangling} (ENOENT: no such file or directory); it is dropped and counted`,
      );
    }
    const impossible = new FileExporter({ ...generous, directory: `${directory}/a\0b` });
    await store(impossible, profileAt(0));
    expect(impossible.status().dropped).toEqual({ FILE_WRITE_FAILED: 1 });
  });

  test('a listener that throws', async () => {
    const listener = (): never => {
      throw new Error('no listener');
    };
    const exporter = new FileExporter({
      ...generous,
      directory: '/dev/null/profiles',
      report: listener,
    });
    await store(exporter, profileAt(0));
    expect(exporter.status().dropped).toEqual({ FILE_DIRECTORY_UNWRITABLE: 1 });
  });

  describe.skipIf(!tmpfsAvailable)('on a small file system of its own', () => {
    test('a full disk: said once until there is room again, nothing half left behind', async () => {
      await withTmpfs(64 * KIB, async (folder) => {
        const exporter = new FileExporter({ ...generous, directory: folder });
        for (let at = 0; at < 6; at += 1) await store(exporter, profileAt(at, 'cpu', 20 * KIB));
        const message = `no space left for profiles in ${folder} (ENOSPC: no space left on device); they are dropped and counted`;
        expect(reports).toEqual([message]);
        expect(exporter.status()).toMatchObject({
          exported: 3,
          dropped: { FILE_DISK_FULL: 3 },
          lastError: message,
          files: 3,
        });
        expect(list(folder)).toEqual([nameAt(0), nameAt(1), nameAt(2)]);
        for (const name of list(folder)) {
          expect(fs.statSync(path.join(folder, name)).size).toBe(20 * KIB);
        }

        fs.rmSync(path.join(folder, nameAt(0)));
        await store(exporter, profileAt(6, 'cpu', 20 * KIB));
        await store(exporter, profileAt(7, 'cpu', 20 * KIB));
        expect(reports).toEqual([message, message]);
        expect(exporter.status()).toMatchObject({ exported: 4, dropped: { FILE_DISK_FULL: 4 } });
        expect(list(folder)).toEqual([nameAt(1), nameAt(2), nameAt(6)]);
      });
    });

    test('retention keeps a small disk from ever being full', async () => {
      await withTmpfs(64 * KIB, async (folder) => {
        const exporter = new FileExporter({ ...generous, directory: folder, maxBytes: 40 * KIB });
        for (let at = 0; at < 20; at += 1) await store(exporter, profileAt(at, 'cpu', 20 * KIB));
        expect(exporter.status()).toMatchObject({ exported: 20, dropped: {}, deleted: 18 });
      });
    });

    test('a read-only file system, writable later', async () => {
      await withTmpfs(64 * KIB, async (folder) => {
        remount(folder, 'ro');
        const exporter = new FileExporter({
          ...generous,
          directory: path.join(folder, 'profiles'),
        });
        await store(exporter, profileAt(0));
        await store(exporter, profileAt(1));
        expect(reports).toEqual([
          `profiles cannot be written to ${folder}/profiles (EROFS: read-only file system); they are dropped and counted`,
        ]);
        remount(folder, 'rw');
        await store(exporter, profileAt(2));
        expect(exporter.status()).toMatchObject({
          exported: 1,
          dropped: { FILE_DIRECTORY_UNWRITABLE: 2 },
        });
      });
    });
  });
});

describe('both ways at once', () => {
  test('exportSync finishes what export has begun, once', async () => {
    const exporter = new FileExporter({ ...generous, directory });
    const begun = Array.from({ length: 20 }, (_, at) => profileAt(at, 'heap', 200 * KIB));
    const promises = begun.map((profile) => exporter.export(profile));
    await promises[0];
    for (const profile of begun) exporter.exportSync(profile);
    exporter.exportSync(profileAt(500));
    const names = [...begun.map((_, at) => nameAt(at, 'heap')), nameAt(500)];
    expect(list().filter((name) => name.endsWith('.pb.gz'))).toEqual(names);
    expect(exporter.status()).toMatchObject({ exported: 21, dropped: {} });
    await Promise.all(promises);
    expect(list()).toEqual(names);
    expect(exporter.status()).toMatchObject({ exported: 21, dropped: {}, files: 21 });
  });

  test('what is stored while the directory is being read counts too', async () => {
    const old = 3_000;
    for (let at = 0; at < old; at += 1) {
      fs.writeFileSync(path.join(directory, nameAt(at % 1_000, 'heap', 1 + (at >> 8))), '');
    }
    const known = list().length;
    const exporter = new FileExporter({ ...generous, directory, maxFiles: 10_000 });
    const first = exporter.export(profileAt(0));
    while (!fs.existsSync(path.join(directory, nameAt(0)))) await wait(1);
    await wait(30); // by now the names are read; thousands of sizes are not
    for (let at = 1; at <= 5; at += 1) exporter.exportSync(profileAt(at));
    await first;
    expect(list()).toHaveLength(known + 6);
    expect(exporter.status().files).toBe(known + 6);
  });

  test('many at once within the bounds', async () => {
    const exporter = new FileExporter({ ...generous, directory, maxFiles: 10 });
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(
        Array.from({ length: 20 }, (_, at) => exporter.export(profileAt(round * 20 + at))),
      );
    }
    // Within a round any may be written last and is kept for that; the rest are the newest.
    expect(list()).toHaveLength(10);
    expect(list().slice(1)).toEqual(Array.from({ length: 9 }, (_, at) => nameAt(91 + at)));
    expect(exporter.status()).toMatchObject({
      exported: 100,
      deleted: 90,
      files: 10,
      bytes: 1_000,
    });
  });
});

/** Runs with the rights of nobody if this process is root, to whom no directory is closed. */
async function asOrdinaryUser(action: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return action();
  fs.chmodSync(directory, 0o755);
  process.seteuid?.(65_534);
  try {
    await action();
  } finally {
    process.seteuid?.(0);
  }
}
