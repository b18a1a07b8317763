import { createRequire } from 'node:module';
import { zlib } from '../builtins.ts';
import { SpanprofError } from '../errors.ts';
import { checkWire, type WireLimits } from './check-wire.ts';
import { fromPprofFormat } from './from-pprof-format.ts';
import type { Profile } from './model.ts';
import { splitSamples } from './sample-reader.ts';

/** How large a profile `decode` accepts. */
export interface DecodeLimits extends WireLimits {
  /** Bytes after decompression. */
  readonly bytes: number;
}

/**
 * Far above real profiles (a minute of a busy process takes 1 MB; a heap profile of a large Go
 * server some 50 MB), far below what would exhaust the memory of the process that reads.
 */
export const DECODE_LIMITS: DecodeLimits = {
  bytes: 256 * 1024 * 1024,
  messages: 4_000_000,
  integers: 20_000_000,
};

/**
 * Reads a pprof profile of any origin, gzipped or not, into the model; see `fromPprofFormat` for how
 * foreign shapes are mapped. Throws a `SpanprofError` with code `PROFILE_INVALID`, and nothing
 * else, for bytes that are not a profile. Synchronous, for the command line and for tests.
 */
export function decode(bytes: Uint8Array, limits: DecodeLimits = DECODE_LIMITS): Profile {
  try {
    const message = decompressed(bytes, limits);
    if (message.length === 0) throw invalid('it is empty');
    const problem = checkWire(message, limits);
    if (problem !== undefined) throw invalid(problem);
    const { rest, samples } = splitSamples(message);
    const { sample: _, ...tables } = pprofFormat().Profile.decode(rest);
    return fromPprofFormat({ ...tables, sample: samples });
  } catch (error) {
    if (error instanceof SpanprofError) throw error;
    throw invalid(error instanceof Error ? error.message : String(error));
  }
}

function decompressed(bytes: Uint8Array, limits: DecodeLimits): Uint8Array {
  if (bytes[0] !== GZIP_MAGIC[0] || bytes[1] !== GZIP_MAGIC[1]) {
    if (bytes.length > limits.bytes) throw invalid(`it takes more than ${limits.bytes} bytes`);
    return bytes;
  }
  try {
    return zlib().gunzipSync(bytes, { maxOutputLength: limits.bytes });
  } catch (error) {
    if (error instanceof RangeError) throw invalid(`it takes more than ${limits.bytes} bytes`);
    throw invalid(`it cannot be decompressed (${error instanceof Error ? error.message : error})`);
  }
}

const GZIP_MAGIC = [0x1f, 0x8b] as const;

function invalid(reason: string): SpanprofError {
  return new SpanprofError('PROFILE_INVALID', { reason });
}

// Loaded at the first use: the agent only writes profiles, and its start-up time matters.
const requireHere = createRequire(import.meta.url);
const pprofFormat = (): typeof import('pprof-format') => requireHere('pprof-format');
