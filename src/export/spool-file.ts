/**
 * One profile in the spool: a line of JSON that says what it is, then the profile itself.
 *
 *     SPANPROF-SPOOL-1 {"profileType":"cpu",…,"bytes":52113,"crc32":2596996162}
 *     <gzip-compressed pprof>
 */
import { zlib } from '../builtins.ts';
import { PERIOD_TYPES, type ProfileType } from '../profile/model.ts';
import { milliseconds } from '../units.ts';
import type { EncodedProfile } from './exporter.ts';
import { sortableMillis } from './file-name.ts';

const MAGIC = 'SPANPROF-SPOOL-1 ';
const LINE_FEED = 0x0a;
/** The service name is the only part without a fixed length, and 128 characters at most. */
const MAX_HEADER_BYTES = 4096;

/** `000001763755200123-00000042-cpu.spool`; sorts by window, then by arrival. */
const NAME = /^(\d{18})-(\d{8})-(cpu|wall|heap|allocs)\.spool$/;

export function spoolFileName(profile: EncodedProfile, sequence: number): string {
  const start = String(sortableMillis(profile.startMillis)).padStart(18, '0');
  return `${start}-${String(sequence % 1e8).padStart(8, '0')}-${profile.profileType}.spool`;
}

/** Start of the window that a spooled profile is of; undefined if the name is not one of ours. */
export function startOfSpoolFile(name: string): number | undefined {
  const start = NAME.exec(name)?.[1];
  return start === undefined ? undefined : Number(start);
}

export function encodeSpoolFile(profile: EncodedProfile): Uint8Array {
  const { pprof, ...rest } = profile;
  const header = { ...rest, bytes: pprof.byteLength, crc32: zlib().crc32(pprof) };
  return Buffer.concat([Buffer.from(`${MAGIC}${JSON.stringify(header)}\n`), pprof]);
}

/** The profile, or undefined if the file is damaged or not ours. */
export function decodeSpoolFile(data: Buffer): EncodedProfile | undefined {
  if (data.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const end = data.subarray(0, MAX_HEADER_BYTES).indexOf(LINE_FEED);
  if (end < 0) return undefined;
  const header = parse(data.toString('utf8', MAGIC.length, end));
  const pprof = data.subarray(end + 1);
  if (header?.['bytes'] !== pprof.byteLength || header['crc32'] !== zlib().crc32(pprof))
    return undefined;
  const { profileType, startMillis, endMillis, serviceName, processId, threadId } = header;
  if (typeof profileType !== 'string' || !Object.hasOwn(PERIOD_TYPES, profileType)) {
    return undefined;
  }
  if (typeof startMillis !== 'number' || typeof endMillis !== 'number') return undefined;
  if (typeof serviceName !== 'string' || typeof processId !== 'number') return undefined;
  return {
    profileType: profileType as ProfileType,
    startMillis: milliseconds(startMillis),
    endMillis: milliseconds(endMillis),
    serviceName,
    processId,
    threadId: typeof threadId === 'number' ? threadId : undefined,
    pprof,
  };
}

function parse(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
