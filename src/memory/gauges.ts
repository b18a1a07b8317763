/** What the process holds in memory, V8's heap and all else. */
import type { Addon } from '../native.ts';
import { type Bytes, bytes } from '../units.ts';

/** Bytes at one moment. */
export interface MemoryGauges {
  /** Of the whole process. */
  readonly rss: Bytes;
  /** V8's heap of this thread: reserved, and in use. */
  readonly heapTotal: Bytes;
  readonly heapUsed: Bytes;
  /** Held outside of it by its objects, buffers included. */
  readonly external: Bytes;
  /** `ArrayBuffer`s and with them `Buffer`s. */
  readonly arrayBuffers: Bytes;
  /** What the C library's allocator has handed out to the process, and what it keeps for later. */
  readonly mallocUsed: Bytes | undefined;
  readonly mallocFree: Bytes | undefined;
}

/** Bound once: applications and tests patch it. Most of its time goes to the RSS. */
const memoryUsage = process.memoryUsage.bind(process);
const NOTHING = { rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 };

/** Zeros where Node cannot read them: it opens a file, and a process may have no descriptor left. */
export function readMemoryUsage(): NodeJS.MemoryUsage {
  try {
    return memoryUsage();
  } catch {
    return NOTHING;
  }
}

export function readGauges(addon: Addon | undefined): MemoryGauges {
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = readMemoryUsage();
  const malloc = addon?.mallocBytes();
  return {
    rss: bytes(rss),
    heapTotal: bytes(heapTotal),
    heapUsed: bytes(heapUsed),
    external: bytes(external),
    arrayBuffers: bytes(arrayBuffers),
    mallocUsed: malloc === undefined ? undefined : bytes(malloc.used),
    mallocFree: malloc === undefined ? undefined : bytes(malloc.free),
  };
}
