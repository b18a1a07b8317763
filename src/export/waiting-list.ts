import type { EncodedProfile } from './exporter.ts';
import type { Spooled } from './spool.ts';

/** One profile that waits for its destination. */
export interface Entry {
  readonly place: Spooled;
  /** In memory while it is being written, cannot be written, or is the next to be sent. */
  profile: EncodedProfile | undefined;
  isOnDisk: boolean;
  /** Resolves when it is on disk or cannot be; `isReady` is true then. */
  ready: Promise<void>;
  isReady: boolean;
  /** Attempts that the destination answered with a failure. */
  failures: number;
  /** Ends the wait of whoever handed it over. */
  readonly settle: () => void;
}

/**
 * What may be held in memory where the disk does not take it: half an hour of four profiles a minute
 * at 64 KiB.
 */
const MAX_MEMORY_BYTES = 8 * 1024 * 1024;
/** Of very small profiles it is the entries that take memory, some 500 bytes each. */
const MAX_ENTRIES = 10_000;

/** The profiles that wait, oldest window first, with what they take in memory and on disk. */
export class WaitingList {
  #entries: Entry[] = [];
  #diskBytes = 0;

  get entries(): readonly Entry[] {
    return this.#entries;
  }
  /** Bytes of profiles on disk. */
  get diskBytes(): number {
    return this.#diskBytes;
  }

  has(entry: Entry): boolean {
    return this.#entries.includes(entry);
  }

  /** Puts an entry where its window belongs: at the end, nearly always. */
  add(entry: Entry): void {
    let at = this.#entries.length;
    while (at > 0 && (this.#entries[at - 1]?.place.name ?? '') > entry.place.name) at -= 1;
    this.#entries.splice(at, 0, entry);
    if (entry.isOnDisk) this.#diskBytes += entry.place.bytes;
  }

  /** Tells that an entry has reached the disk. */
  landed(entry: Entry): void {
    if (entry.isOnDisk) return;
    entry.isOnDisk = true;
    if (this.has(entry)) this.#diskBytes += entry.place.bytes;
  }

  /** Takes an entry out; false if it is not there any more. */
  remove(entry: Entry): boolean {
    const at = this.#entries.indexOf(entry);
    if (at < 0) return false;
    this.#entries.splice(at, 1);
    if (entry.isOnDisk) this.#diskBytes -= entry.place.bytes;
    return true;
  }

  /**
   * The oldest entries that have to go so that what is on disk takes no more than `maxBytes`. The
   * newest of each type stays: where others take all the room, it could never be tried.
   */
  surplusOnDisk(maxBytes: number): Entry[] {
    let bytes = this.#diskBytes;
    let count = this.#entries.length;
    const newest = new Map(this.#entries.map((entry) => [typeOf(entry), entry]));
    return this.#entries.filter((entry) => {
      if (!entry.isOnDisk || (bytes <= maxBytes && count <= MAX_ENTRIES)) return false;
      if (newest.get(typeOf(entry)) === entry) return false;
      bytes -= entry.place.bytes;
      count -= 1;
      return true;
    });
  }

  /** The same for those that are only in memory. */
  surplusInMemory(): Entry[] {
    const inMemory = this.#entries.filter(({ isOnDisk }) => !isOnDisk);
    let bytes = inMemory.reduce((sum, { place }) => sum + place.bytes, 0);
    return inMemory.filter(({ place }) => {
      if (bytes <= MAX_MEMORY_BYTES) return false;
      bytes -= place.bytes;
      return true;
    });
  }
}

/** The last part of the name of its file. */
const typeOf = ({ place }: Entry): string => place.name.slice(place.name.lastIndexOf('-'));
