import path from 'node:path';
import { type ErrorCode, messageOf } from '../errors.ts';
import { milliseconds } from '../units.ts';
import type { EncodedProfile, Exporter, ExporterStatus } from './exporter.ts';
import {
  codeOf,
  type Found,
  remove,
  removeSync,
  save,
  saveSync,
  scan,
  scanSync,
  temporaryName,
} from './file-io.ts';
import { profileFileName, sortableMillis } from './file-name.ts';
import { FileRetention, type StoredFile } from './file-retention.ts';

export interface FileExporterOptions {
  /** Made, with its parents, when the first profile is written. */
  readonly directory: string;
  /** Bounds of all profiles in the directory together, whichever process wrote them. */
  readonly maxFiles: number;
  readonly maxBytes: number;
  /** Told one line when something goes wrong; once per kind of trouble until a write succeeds. */
  readonly report: (message: string) => void;
}

export interface FileExporterStatus extends ExporterStatus {
  /** Profiles in the directory as far as known, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** Old profiles deleted to stay within the bounds. */
  readonly deleted: number;
  /** Attempts to delete that failed; tried again after the next look at the directory. */
  readonly undeletable: number;
  /** Temporary files of killed processes that were cleaned up. */
  readonly staleRemoved: number;
}

/**
 * The directory is read at the first write and then after this many: three profiles a minute make
 * that 20 minutes, and at worst each process that shares it overshoots the bounds by 64 files.
 */
const WRITES_PER_SCAN = 64;

/** One profile on its way to the disk. */
interface Write {
  readonly profile: EncodedProfile;
  /** The name it bears until it is whole. */
  readonly temporary: string;
  name: string;
  /** Milliseconds that the name is later than the window began, to be free. */
  offsetMillis: number;
  /** Set when the outcome is counted. */
  settled: boolean;
}

/**
 * Profiles as files, one each. Whole or not there at all, kept within bounds of count and bytes,
 * and harmless to the application when the disk is full or the directory cannot be written.
 */
export class FileExporter implements Exporter {
  readonly name = 'file';
  readonly #directory: string;
  readonly #report: (message: string) => void;
  readonly #retention: FileRetention;
  /** Whose names are spoken for. */
  readonly #inFlight = new Set<Write>();
  /** What `export` was given, for as long as somebody holds on to the profile. */
  readonly #begun = new WeakMap<EncodedProfile, Write>();
  readonly #dropped: Partial<Record<ErrorCode, number>> = {};
  /** What was said since the last write that succeeded. */
  readonly #said = new Set<ErrorCode>();
  #writesUntilScan = 0;
  #newest: string | undefined;
  /** What a scan under way may have missed. */
  #storedDuringScan: StoredFile[] | undefined;
  #exported = 0;
  #deleted = 0;
  #undeletable = 0;
  #staleRemoved = 0;
  #lastError: string | undefined;

  constructor(options: FileExporterOptions) {
    this.#directory = absolute(options.directory);
    this.#report = options.report;
    this.#retention = new FileRetention(options.maxFiles, options.maxBytes);
  }

  async export(profile: EncodedProfile): Promise<void> {
    const write = this.#begin(profile);
    this.#begun.set(profile, write);
    try {
      await save(this.#directory, write.temporary, profile.pprof, this.#namesOf(write));
      this.#stored(write);
    } catch (error) {
      this.#givenUp(write, error);
    } finally {
      this.#inFlight.delete(write);
    }
    await this.#maintain();
  }

  /**
   * Stores the profile before it returns. One that `export` was given before, the same object, is
   * finished if it is not stored yet: when the process exits, nothing else will. Should the other
   * way get its file there in the same moment, it is the same file.
   */
  exportSync(profile: EncodedProfile): void {
    const begun = this.#begun.get(profile);
    const write = begun ?? this.#begin(profile);
    if (write.settled) return;
    this.#storeSync(write, begun !== undefined);
    this.#inFlight.delete(write);
    this.#maintainSync();
  }

  status(): FileExporterStatus {
    return {
      name: this.name,
      destination: this.#directory,
      exported: this.#exported,
      dropped: { ...this.#dropped },
      lastError: this.#lastError,
      files: this.#retention.count,
      bytes: this.#retention.bytes,
      deleted: this.#deleted,
      undeletable: this.#undeletable,
      staleRemoved: this.#staleRemoved,
    };
  }

  #begin(profile: EncodedProfile): Write {
    const write: Write = {
      profile,
      temporary: temporaryName(),
      name: '',
      offsetMillis: -1,
      settled: false,
    };
    this.#chooseNextName(write);
    this.#inFlight.add(write);
    return write;
  }

  /**
   * Windows that begin in the same millisecond would have the same name: the later one takes the
   * next free millisecond. The profile itself holds its true start.
   */
  #chooseNextName(write: Write): void {
    const { profile } = write;
    const base = sortableMillis(profile.startMillis);
    do {
      write.offsetMillis += 1;
      const startMillis = milliseconds(base + write.offsetMillis);
      write.name = profileFileName({ ...profile, startMillis });
    } while (this.#isTaken(write));
  }

  #isTaken(write: Write): boolean {
    if (this.#retention.bytesOf(write.name) !== undefined) return true;
    for (const other of this.#inFlight) {
      if (other !== write && other.name === write.name) return true;
    }
    return false;
  }

  /** The name chosen at first, then further ones. */
  #namesOf(write: Write): () => string {
    let isFirst = true;
    return () => {
      if (!isFirst) this.#chooseNextName(write);
      isFirst = false;
      return write.name;
    };
  }

  #storeSync(write: Write, isBegun: boolean): void {
    try {
      saveSync(this.#directory, write.profile.pprof, this.#namesOf(write), isBegun);
      this.#stored(write);
    } catch (error) {
      this.#givenUp(write, error);
    }
    if (isBegun) attempt(() => removeSync(this.#directory, write.temporary));
  }

  #stored(write: Write): void {
    if (write.settled) return;
    write.settled = true;
    this.#exported += 1;
    this.#said.clear();
    this.#newest = write.name;
    const file = { name: write.name, bytes: write.profile.pprof.byteLength };
    this.#retention.add(file);
    this.#storedDuringScan?.push(file);
  }

  #givenUp(write: Write, error: unknown): void {
    if (write.settled) return;
    write.settled = true;
    const code = errorCode(error);
    this.#dropped[code] = (this.#dropped[code] ?? 0) + 1;
    this.#lastError = messageOf(code, { directory: this.#directory, reason: reasonOf(error) });
    if (this.#said.has(code)) return;
    this.#said.add(code);
    try {
      this.#report(this.#lastError);
    } catch {
      // Whoever listens has its own trouble; the profile is counted either way.
    }
  }

  /** Looks at the directory when it is time, and deletes what exceeds the bounds. */
  async #maintain(): Promise<void> {
    if (this.#isScanDue()) {
      this.#storedDuringScan = [];
      const found = await scan(this.#directory, this.#knownBytes).catch(() => undefined);
      for (const name of this.#take(found)) {
        await remove(this.#directory, name).then(this.#countStale, () => {});
      }
    }
    for (const name of this.#retention.takeSurplus(this.#newest)) {
      await remove(this.#directory, name).then(this.#countDeleted, this.#countUndeletable);
    }
  }

  #maintainSync(): void {
    if (this.#isScanDue()) {
      const found = attempt(() => scanSync(this.#directory, this.#knownBytes));
      for (const name of this.#take(found)) {
        this.#countStale(attempt(() => removeSync(this.#directory, name)) ?? false);
      }
    }
    for (const name of this.#retention.takeSurplus(this.#newest)) {
      const removed = attempt(() => removeSync(this.#directory, name));
      if (removed === undefined) this.#countUndeletable();
      else this.#countDeleted(removed);
    }
  }

  #isScanDue(): boolean {
    this.#writesUntilScan -= 1;
    if (this.#writesUntilScan > 0) return false;
    this.#writesUntilScan = WRITES_PER_SCAN;
    return true;
  }

  /** Takes over what a scan found and gives the stale temporary files. */
  #take(found: Found | undefined): readonly string[] {
    const missed = this.#storedDuringScan ?? [];
    this.#storedDuringScan = undefined;
    if (found === undefined) return []; // not readable; writing says so where it matters
    this.#retention.replace(found.files);
    for (const file of missed) this.#retention.add(file);
    return found.stale;
  }

  readonly #knownBytes = (name: string): number | undefined => this.#retention.bytesOf(name);
  readonly #countStale = (removed: boolean): void => {
    if (removed) this.#staleRemoved += 1;
  };
  readonly #countDeleted = (removed: boolean): void => {
    if (removed) this.#deleted += 1;
  };
  readonly #countUndeletable = (): void => {
    this.#undeletable += 1;
  };
}

function errorCode(error: unknown): ErrorCode {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
      return 'FILE_DIRECTORY_UNWRITABLE';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'FILE_DISK_FULL';
    default:
      return 'FILE_WRITE_FAILED';
  }
}

/** `ENOSPC: no space left on device`, without the call and the temporary name after it. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/, \w+(?: '.*)?$/s, '');
}

/** The application may change its working directory later. */
function absolute(directory: string): string {
  return attempt(() => path.resolve(directory)) ?? directory; // fails when the working directory is gone
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
