/** One of our files in the directory. */
export interface StoredFile {
  readonly name: string;
  readonly bytes: number;
}

/**
 * Which of our files lie in a directory, as far as we know, and which of them have to go. The
 * directory may be shared with other processes and people, so this is a view that is corrected by
 * reading the directory now and then; files are deleted, never assumed.
 *
 * Oldest means first by name, because names begin with the time.
 */
export class FileRetention {
  readonly #maxFiles: number;
  readonly #maxBytes: number;
  /** Sorted by name. */
  #files: StoredFile[] = [];
  #sizes = new Map<string, number>();
  #bytes = 0;

  constructor(maxFiles: number, maxBytes: number) {
    this.#maxFiles = maxFiles;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#files.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Size of a known file; our files never change, so nobody has to ask the disk twice. */
  bytesOf(name: string): number | undefined {
    return this.#sizes.get(name);
  }

  add(file: StoredFile): void {
    const { name, bytes } = file;
    if (this.#sizes.has(name)) return;
    // New files are the newest nearly always: the place is at the end or close to it.
    let at = this.#files.length;
    while (at > 0 && (this.#files[at - 1]?.name ?? '') > name) at -= 1;
    this.#files.splice(at, 0, file);
    this.#sizes.set(name, bytes);
    this.#bytes += bytes;
  }

  /** Puts what was found in the directory in the place of what we thought. */
  replace(files: readonly StoredFile[]): void {
    this.#files = files.toSorted((left, right) => (left.name < right.name ? -1 : 1));
    this.#sizes = new Map(files.map((file) => [file.name, file.bytes]));
    this.#bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  }

  /**
   * The names to delete now, oldest first, already taken out of the view. `newest`, the file
   * written last, is never among them, whatever the bounds.
   */
  takeSurplus(newest: string | undefined): string[] {
    const surplus: string[] = [];
    const kept: StoredFile[] = [];
    let count = this.#files.length;
    for (const file of this.#files) {
      const isOver = count > this.#maxFiles || this.#bytes > this.#maxBytes;
      if (!isOver || file.name === newest) {
        kept.push(file);
        continue;
      }
      surplus.push(file.name);
      this.#sizes.delete(file.name);
      this.#bytes -= file.bytes;
      count -= 1;
    }
    if (surplus.length > 0) this.#files = kept;
    return surplus;
  }
}
