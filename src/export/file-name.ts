import type { ProfileType } from '../profile/model.ts';
import { type Milliseconds, milliseconds } from '../units.ts';

/** What the name of a profile file says. */
export interface ProfileFileName {
  /** Start of the window, milliseconds since the Unix epoch. */
  readonly startMillis: Milliseconds;
  /** As it stands in the name, so without the characters that file names must not have. */
  readonly serviceName: string;
  readonly processId: number;
  /** Worker thread id; undefined on the main thread. */
  readonly threadId: number | undefined;
  readonly profileType: ProfileType;
}

/** Leaves room for the rest of the name below the 255 bytes file systems allow, and reads well. */
const MAX_SERVICE_CHARACTERS = 64;

/** Names of moments with a fifth digit in the year would not sort; a year of room for later ones. */
const LAST_MILLIS = Date.UTC(9999, 0);

/** The service may hold dashes and digits, so it takes as much as it can. */
const NAME =
  /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.(\d{3})Z-([A-Za-z0-9_][A-Za-z0-9._-]*)-(\d{1,15})(?:\.(\d{1,15}))?-(cpu|wall|heap|allocs)\.pb\.gz$/;

/**
 * `20261120T201530.123Z-checkout-4242-cpu.pb.gz`, with `-4242.3-` for worker 3. Names sort by time.
 * Takes any service name and any number; never throws.
 */
export function profileFileName(profile: ProfileFileName): string {
  const { processId, threadId, profileType } = profile;
  const thread = threadId === undefined ? '' : `.${threadId}`;
  return `${timestamp(sortableMillis(profile.startMillis))}-${portable(profile.serviceName)}-${processId}${thread}-${profileType}.pb.gz`;
}

/** What a file name says, or undefined if it is not the name of a profile of ours. */
export function parseProfileFileName(name: string): ProfileFileName | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, milli, serviceName, pid, thread, type] = match;
  const startMillis = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${milli}Z`);
  // `Date.parse` refuses month 13 but takes 30 February for 1 March; such a name is not ours.
  if (Number.isNaN(startMillis) || timestamp(startMillis) !== name.slice(0, name.indexOf('-'))) {
    return undefined;
  }
  return {
    startMillis: milliseconds(startMillis),
    serviceName: serviceName ?? '',
    processId: Number(pid),
    threadId: thread === undefined ? undefined : Number(thread),
    profileType: type as ProfileType,
  };
}

/** A moment that a name can hold, the given one unless it is absurd: 1970 to 9998. */
export function sortableMillis(startMillis: number): number {
  const valid = Number.isFinite(startMillis) ? startMillis : 0;
  return Math.min(Math.max(Math.trunc(valid), 0), LAST_MILLIS);
}

function timestamp(startMillis: number): string {
  return new Date(startMillis).toISOString().replaceAll(/[-:]/g, '');
}

/** Only characters that every file system takes; no leading dot or dash; never empty. */
function portable(serviceName: string): string {
  const safe = serviceName
    .replaceAll(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[.-]+/, '')
    .slice(0, MAX_SERVICE_CHARACTERS);
  return safe === '' ? 'unknown' : safe;
}
