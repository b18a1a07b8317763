/**
 * What the file destination does to its directory, each thing twice: without blocking for the
 * normal course, and synchronously for the exit of the process. Everything here may throw.
 */
import fs from 'node:fs';
import { lstat, readdir, rename, rm, unlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseProfileFileName } from './file-name.ts';
import type { StoredFile } from './file-retention.ts';

/**
 * Only the owner may read: label values can be session ids and names of users. The directory gets
 * the process's usual mode, it is the user's.
 */
const FILE_MODE = 0o600;
/** `x`: a temporary name that is taken is an error, never somebody's file cut to nothing. */
const NEW = 'wx';

// The promise versions take no descriptor.
const writeFile = promisify(fs.writeFile);
const close = promisify(fs.close);

/** No write takes that long, so a temporary file of this age belongs to a process that was killed. */
const STALE_MILLIS = 10 * 60 * 1000;
/** After a day even a living process of that id is another one that happens to have the number. */
const SURELY_STALE_MILLIS = 24 * 60 * 60 * 1000;

const TEMPORARY = /^\.spanprof-(\d{1,15})-[0-9a-f]{16}\.tmp$/;

/** What a look at the directory found. */
export interface Found {
  readonly files: StoredFile[];
  /** Temporary files of ours that nobody will finish. */
  readonly stale: string[];
}

/**
 * Random beside the process id: containers that share a directory often share the id 1 as well. Not
 * by `node:crypto`: a signal that ends the process may have come in the middle of its loading.
 */
export function temporaryName(): string {
  return `.spanprof-${process.pid}-${randomHex()}${randomHex()}.tmp`;
}

const randomHex = (): string =>
  Math.floor(Math.random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');

/**
 * Writes under a temporary name, then renames, so the final name only ever shows a whole file even
 * if the process is killed at any moment. There is no fsync: after a power cut a file may be gone.
 * `nextName` gives the final name and is asked again if that name is taken. Nothing is left behind
 * on failure.
 *
 * Opening is synchronous (some 30 µs): were it still under way when the process exits, nobody could
 * tell any more whether a temporary file has to be removed.
 */
export async function save(
  directory: string,
  temporaryName: string,
  data: Uint8Array,
  nextName: () => string,
): Promise<void> {
  const temporary = path.join(directory, temporaryName);
  try {
    const descriptor = openNew(directory, temporary);
    try {
      await writeFile(descriptor, data);
    } finally {
      await close(descriptor);
    }
    let final = path.join(directory, nextName());
    while (await exists(final)) final = path.join(directory, nextName());
    await rename(temporary, final);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/**
 * The same, now. With `isBegun` the other way may be about to finish the same write: a file of that
 * name with the same content is then the file itself.
 */
export function saveSync(
  directory: string,
  data: Uint8Array,
  nextName: () => string,
  isBegun: boolean,
): void {
  const temporary = path.join(directory, temporaryName());
  try {
    const descriptor = openNew(directory, temporary);
    try {
      fs.writeFileSync(descriptor, data);
    } finally {
      fs.closeSync(descriptor);
    }
    let final = path.join(directory, nextName());
    while (fs.lstatSync(final, { throwIfNoEntry: false }) !== undefined) {
      if (isBegun && fs.readFileSync(final).equals(data)) break;
      final = path.join(directory, nextName());
    }
    fs.renameSync(temporary, final);
  } catch (error) {
    try {
      fs.rmSync(temporary, { force: true });
    } catch {
      // The first error says more.
    }
    throw error;
  }
}

/** Opens a file that is not there yet, and makes the directory if that is not there either. */
function openNew(directory: string, file: string): number {
  try {
    return fs.openSync(file, NEW, FILE_MODE);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    makeDirectory(directory, false);
    return fs.openSync(file, NEW, FILE_MODE);
  }
}

/**
 * Makes a directory and its parents. Not with `recursive: true`: on a read-only file system that
 * says ENOENT instead of EROFS (all Nodes up to 26), which would send the reader looking elsewhere.
 */
function makeDirectory(directory: string, isParentMade: boolean): void {
  try {
    fs.mkdirSync(directory);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') return;
    const parent = path.dirname(directory);
    // Once the parent is made, what is missing lies elsewhere: behind a dangling link, say.
    if (code !== 'ENOENT' || parent === directory || isParentMade) throw error;
    makeDirectory(parent, false);
    makeDirectory(directory, true);
  }
}

/** Reads the directory. Files that vanish meanwhile are left out; `bytesOf` spares known ones a stat. */
export async function scan(
  directory: string,
  bytesOf: (name: string) => number | undefined,
): Promise<Found> {
  const found: Found = { files: [], stale: [] };
  for (const name of await readdir(directory)) {
    if (!needsLook(name, bytesOf, found)) continue;
    const stats = await lstat(path.join(directory, name)).catch(() => undefined);
    if (stats !== undefined) sort(name, stats, found);
  }
  return found;
}

export function scanSync(directory: string, bytesOf: (name: string) => number | undefined): Found {
  const found: Found = { files: [], stale: [] };
  for (const name of fs.readdirSync(directory)) {
    if (!needsLook(name, bytesOf, found)) continue;
    const stats = fs.lstatSync(path.join(directory, name), { throwIfNoEntry: false });
    if (stats !== undefined) sort(name, stats, found);
  }
  return found;
}

/** Deletes one file; false if it was gone already. */
export async function remove(directory: string, name: string): Promise<boolean> {
  try {
    await unlink(path.join(directory, name));
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

export function removeSync(directory: string, name: string): boolean {
  try {
    fs.unlinkSync(path.join(directory, name));
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** The `E…` code of an error of the file system. */
export function codeOf(error: unknown): string {
  // Not instanceof: an error of Node's own may belong to another realm (`vm` contexts).
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}

/** Takes known files over into `found`; true if a stat has to tell more about a file of ours. */
function needsLook(
  name: string,
  bytesOf: (name: string) => number | undefined,
  found: Found,
): boolean {
  const bytes = bytesOf(name);
  if (bytes === undefined) return TEMPORARY.test(name) || parseProfileFileName(name) !== undefined;
  found.files.push({ name, bytes });
  return false;
}

function sort(name: string, stats: fs.Stats, found: Found): void {
  if (!stats.isFile()) return;
  const processId = TEMPORARY.exec(name)?.[1];
  if (processId === undefined) found.files.push({ name, bytes: stats.size });
  else if (isStale(Number(processId), stats.mtimeMs)) found.stale.push(name);
}

function isStale(processId: number, modifiedMillis: number): boolean {
  const now = Date.now();
  const ageMillis = now - modifiedMillis;
  if (ageMillis < STALE_MILLIS) return false;
  if (ageMillis > SURELY_STALE_MILLIS) return true;
  // A container's process has the same id after every restart.
  if (processId === process.pid) return ageMillis > process.uptime() * 1000;
  return !isAlive(processId);
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0); // signal 0 only asks
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
