/**
 * Profiles on the disk that wait for one destination, in a directory that other processes use too.
 *
 *     <directory>/<destination>/<owner>/<window>-<sequence>-<type>.spool
 *     <directory>/<destination>/damaged/…
 *
 * Every queue writes to a folder of its own. Folders of processes that are gone are taken over by
 * renaming them: that succeeds for exactly one process, and survives its crash like any other folder.
 */
import fs from 'node:fs';
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rmdir,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { crypto } from '../builtins.ts';
import type { EncodedProfile } from './exporter.ts';
import { codeOf, remove } from './file-io.ts';
import { decodeSpoolFile, encodeSpoolFile, spoolFileName, startOfSpoolFile } from './spool-file.ts';
import { isAbandoned, isOwnerName, ownerlessName, ownerName } from './spool-owner.ts';

/** A profile in the spool. */
export interface Spooled {
  /** Folder of the owner, absolute. */
  readonly folder: string;
  readonly name: string;
  readonly bytes: number;
}

/** What a look at the directory found. */
export interface SpoolScan {
  /** Taken over from processes that are gone, in order. */
  readonly adopted: readonly Spooled[];
  /** What others keep: living processes, and for other destinations those that are gone, too. */
  readonly othersBytes: number;
  /** Profiles for other destinations that were removed: nobody came for them in time. */
  readonly expired: number;
}

/** Label values can be session ids and names of users: only the owner may look. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** Every user may add a folder, nobody may remove another's. */
const SHARED_MODE = 0o1777;
/** File systems take 255 bytes for a name with all that follows. */
const MAX_NAME_LENGTH = 64;
/** Evidence for whoever looks into it, not an archive. */
const MAX_DAMAGED = 10;
const DAMAGED = 'damaged';
const TEMPORARY_SUFFIX = '.tmp';

export class Spool {
  /** Of all destinations. */
  readonly directory: string;
  readonly #base: string;
  #own: string;
  #isMade = false;
  #sequence = 0;
  readonly #adoptedFolders = new Set<string>();

  /**
   * `destination` must differ between destinations that must not get each other's profiles; only a
   * hash of it is written. The directory is made when the first profile is written.
   */
  constructor(directory: string, name: string, destination: string) {
    this.directory = path.resolve(directory);
    const user = process.getuid?.() ?? 0;
    const hash = crypto().createHash('sha256').update(destination).digest('hex').slice(0, 16);
    // An application's own destination may be called anything.
    const safeName = name.replaceAll(/[^\w.-]+/g, '_').slice(0, MAX_NAME_LENGTH);
    this.#base = path.join(this.directory, `${safeName}-${user}-${hash}`);
    this.#own = path.join(this.#base, ownerName());
  }

  /** Where the next profile of this queue is kept: call it once for each, in order. */
  place(profile: EncodedProfile): Spooled {
    this.#sequence += 1;
    const name = spoolFileName(profile, this.#sequence);
    return { folder: this.#own, name, bytes: profile.pprof.byteLength };
  }

  /** Writes a profile; whole or not at all. Rejects with what the file system says. */
  async save(place: Spooled, profile: EncodedProfile): Promise<void> {
    const { file, temporary } = filesOf(place);
    if (!this.#isMade) this.#make();
    const data = encodeSpoolFile(profile);
    try {
      await writeFile(temporary, data, { mode: FILE_MODE });
    } catch (error) {
      // Somebody tidied up the directory, or took us for dead.
      if (codeOf(error) !== 'ENOENT') throw error;
      this.#make();
      await writeFile(temporary, data, { mode: FILE_MODE });
    }
    await rename(temporary, file);
  }

  /** The same now. A write of the same profile that is under way gives the same file. */
  saveSync(place: Spooled, profile: EncodedProfile): void {
    const { file, temporary } = filesOf(place);
    this.#make();
    const another = `${temporary.slice(0, -TEMPORARY_SUFFIX.length)}.sync${TEMPORARY_SUFFIX}`;
    fs.writeFileSync(another, encodeSpoolFile(profile), { mode: FILE_MODE });
    fs.renameSync(another, file);
  }

  /** Whether the profile is still ours: nobody took us for dead and claimed it. */
  async holds(place: Spooled): Promise<boolean> {
    return lstat(filesOf(place).file).then(
      () => true,
      (error: unknown) => codeOf(error) !== 'ENOENT',
    );
  }

  /**
   * Reads a profile. Undefined if it is gone: whoever took it sends it. A damaged one is set aside,
   * and then `onDamaged` is called with where it lies now.
   */
  async load(
    place: Spooled,
    onDamaged: (file: string) => void,
  ): Promise<EncodedProfile | undefined> {
    const { file } = filesOf(place);
    let data: Buffer;
    try {
      data = await readFile(file);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    const profile = decodeSpoolFile(data);
    if (profile === undefined) onDamaged(await this.#setAside(place));
    return profile;
  }

  /** Removes what needs not be kept any more. */
  async remove(place: Spooled): Promise<void> {
    await remove(place.folder, place.name).catch(() => {});
    if (place.folder !== this.#own) await this.#removeIfEmpty(place.folder);
  }

  /** Shows other processes that this one is alive. */
  async touch(): Promise<void> {
    const now = new Date();
    for (const folder of [this.#own, ...this.#adoptedFolders]) {
      await utimes(folder, now, now).catch(() => {});
    }
  }

  /**
   * Takes over what processes that are gone have left for this destination. Of what they have left for
   * others it removes what is of windows that began before `oldestMillis`: it may be that no process
   * with that destination ever comes again.
   */
  async scan(oldestMillis: number): Promise<SpoolScan> {
    const adopted: Spooled[] = [];
    let othersBytes = 0;
    let expired = 0;
    for (const folder of await subfolders(this.directory)) {
      const isMine = isOfThisUser(await lstat(folder).catch(() => undefined));
      for (const owned of await subfolders(folder)) {
        if (owned === this.#own || this.#adoptedFolders.has(owned)) continue;
        const isLeft = isMine && (await isLeftBehind(owned));
        const claimed = isLeft && folder === this.#base ? await this.#claim(owned) : undefined;
        const found = await list(claimed ?? owned);
        if (claimed === undefined) {
          const removed = isLeft ? await removeOlder(found, oldestMillis) : [];
          expired += removed.length;
          othersBytes += sumOfBytes(found) - sumOfBytes(removed);
        } else if (found.length === 0) await this.#removeIfEmpty(claimed);
        else adopted.push(...found);
      }
    }
    adopted.sort((one, other) => (one.name < other.name ? -1 : 1));
    return { adopted, othersBytes, expired };
  }

  /** Gives up what is left, so that any process can have it at once. */
  async leave(): Promise<void> {
    for (const folder of [this.#own, ...this.#adoptedFolders]) {
      await rmdir(folder)
        .catch(() => rename(folder, path.join(this.#base, ownerlessName())))
        .catch(() => {}); // there is none
    }
    this.#adoptedFolders.clear();
    this.#own = path.join(this.#base, ownerName());
    this.#isMade = false;
  }

  /** The same at the end of the process. */
  leaveSync(): void {
    for (const folder of [this.#own, ...this.#adoptedFolders]) {
      try {
        fs.rmdirSync(folder);
      } catch {
        try {
          fs.renameSync(folder, path.join(this.#base, ownerlessName()));
        } catch {
          // There is none.
        }
      }
    }
  }

  /** Renames the folder of a process that is gone to one of ours; undefined if it is not to be had. */
  async #claim(folder: string): Promise<string | undefined> {
    const claimed = path.join(this.#base, ownerName());
    try {
      await rename(folder, claimed);
    } catch {
      return undefined; // another process was faster
    }
    this.#adoptedFolders.add(claimed);
    await this.touch();
    for (const name of await readdir(claimed).catch(() => [])) {
      // Nobody will finish that write.
      if (name.endsWith(TEMPORARY_SUFFIX)) await remove(claimed, name).catch(() => {});
    }
    return claimed;
  }

  async #removeIfEmpty(folder: string): Promise<void> {
    await rmdir(folder).then(
      () => this.#adoptedFolders.delete(folder),
      () => {},
    );
  }

  async #setAside(place: Spooled): Promise<string> {
    const { file } = filesOf(place);
    const folder = path.join(this.#base, DAMAGED);
    const aside = path.join(folder, place.name);
    try {
      await mkdir(folder, { mode: FOLDER_MODE, recursive: true });
      const older = (await readdir(folder)).sort();
      for (const name of older.slice(0, Math.max(0, older.length + 1 - MAX_DAMAGED))) {
        await remove(folder, name);
      }
      await rename(file, aside);
      return aside;
    } catch {
      await this.remove(place); // it must not come back for ever
      return file;
    }
  }

  /** Makes our folder and, where they are missing, those it lies in. Throws if it cannot be ours. */
  #make(): void {
    makeShared(this.directory);
    makePrivate(this.#base);
    makePrivate(this.#own);
    this.#isMade = true;
  }
}

const sumOfBytes = (files: readonly Spooled[]): number =>
  files.reduce((sum, file) => sum + file.bytes, 0);

function filesOf({ folder, name }: Spooled): { file: string; temporary: string } {
  const file = path.join(folder, name);
  return { file, temporary: file + TEMPORARY_SUFFIX };
}

/** The profiles in one folder. */
async function list(folder: string): Promise<Spooled[]> {
  const found: Spooled[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    if (startOfSpoolFile(name) === undefined) continue;
    const stats = await lstat(path.join(folder, name)).catch(() => undefined);
    if (stats?.isFile() === true) found.push({ folder, name, bytes: stats.size });
  }
  return found;
}

/** Whether a folder is one of a process that is gone. */
async function isLeftBehind(folder: string): Promise<boolean> {
  const name = path.basename(folder);
  if (!isOwnerName(name)) return false;
  const stats = await lstat(folder).catch(() => undefined);
  return stats !== undefined && isAbandoned(name, stats.mtimeMs);
}

/** Removes the files of windows that began before then, and their folder if nothing else is in it. */
async function removeOlder(files: readonly Spooled[], oldestMillis: number): Promise<Spooled[]> {
  const removed: Spooled[] = [];
  for (const file of files) {
    if ((startOfSpoolFile(file.name) ?? 0) >= oldestMillis) continue;
    // Not those that another process was faster to remove or to claim: they are its to count.
    if (await remove(file.folder, file.name).catch(() => false)) removed.push(file);
  }
  const [first] = removed;
  if (first !== undefined) await rmdir(first.folder).catch(() => {});
  return removed;
}

async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((one) => one.isDirectory()).map(({ name }) => path.join(folder, name));
}

/** In a directory for everybody, such as `/tmp`, ours is one for everybody, too. */
function makeShared(folder: string): void {
  if (fs.existsSync(folder)) return;
  fs.mkdirSync(folder, { recursive: true });
  const isForAll = (fs.statSync(path.dirname(folder)).mode & SHARED_MODE) === SHARED_MODE;
  if (isForAll) fs.chmodSync(folder, SHARED_MODE); // the umask cuts what mkdir is told
}

/** In a directory that others can write to, a folder of that name may be theirs, or a link. */
function makePrivate(folder: string): void {
  try {
    fs.mkdirSync(folder, { mode: FOLDER_MODE });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    const stats = fs.lstatSync(folder);
    if (!isOfThisUser(stats)) throw new Error(`${folder} belongs to somebody else`);
  }
}

/** In a directory for everybody others could have put a folder where we look for ours. */
const isOfThisUser = (stats: fs.Stats | undefined): boolean =>
  stats?.isDirectory() === true && (process.getuid === undefined || stats.uid === process.getuid());
