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

/** Bound once: applications and tests patch it. Some 10 µs, most of them for the RSS. */
const memoryUsage = process.memoryUsage.bind(process);

export function readGauges(addon: Addon | undefined): MemoryGauges {
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = memoryUsage();
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
