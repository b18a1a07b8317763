import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * True if this process may mount a file system of its own, which takes root on Linux. Tests of a
 * full disk and of a read-only one need it: `describe.skipIf(!tmpfsAvailable)`. Otherwise a warning
 * says that they are skipped; under `TEST_REQUIRE_TOOLS=1`, as in CI, that is an error.
 */
export const tmpfsAvailable: boolean = (() => {
  try {
    unmount(mountTmpfs(64 * 1024));
    return true;
  } catch (error) {
    const message = 'tmpfs cannot be mounted here: the tests of full and read-only disks';
    if (process.env['TEST_REQUIRE_TOOLS'] === '1') {
      throw new Error(`${message} cannot run`, { cause: error });
    }
    console.warn(`${message} are skipped`);
    return false;
  }
})();

/** Calls `use` with the folder of a new, real file system of this size, and unmounts it afterwards. */
export async function withTmpfs(
  sizeBytes: number,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = mountTmpfs(sizeBytes);
  try {
    await use(folder);
  } finally {
    unmount(folder);
  }
}

/** Makes a mounted file system read-only or writable again. */
export function remount(folder: string, mode: 'ro' | 'rw'): void {
  mount('-o', `remount,${mode}`, folder);
}

function mountTmpfs(sizeBytes: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'spanprof-tmpfs-'));
  try {
    mount('-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', folder);
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
  return folder;
}

function unmount(folder: string): void {
  execFileSync('umount', [folder], { stdio: 'pipe' });
  rmdirSync(folder);
}

function mount(...args: string[]): void {
  execFileSync('mount', args, { stdio: 'pipe' });
}
