/**
 * Whose folder of the spool is whose. Every queue writes into a folder of its own, named after the
 * process, so nobody needs a lock; what a dead process left is claimed by renaming its folder, which
 * only one can do.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { crypto } from '../builtins.ts';
import { codeOf } from './file-io.ts';

/** `<space>-<pid>-<start>-<random>` */
const OWNER = /^([0-9a-f]{12})-(\d{1,15})-(\d{1,20})-[0-9a-f]{16}$/;

/** How often an owner with something in its folder touches it. */
export const HEARTBEAT_MILLIS = 20_000;
/**
 * Of a process on another machine or in another container we see nothing but that. Four and a half
 * heartbeats: an event loop that is blocked for so long is not coming back soon.
 */
const SILENT_MILLIS = 90_000;

/** A new name for a folder of this process. */
export function ownerName(): string {
  return `${idSpace()}-${process.pid}-${startOf(process.pid) ?? 0}-${crypto().randomBytes(8).toString('hex')}`;
}

/** A name that says that nobody owns it any more. */
export function ownerlessName(): string {
  return `${'0'.repeat(12)}-0-0-${crypto().randomBytes(8).toString('hex')}`;
}

export const isOwnerName = (name: string): boolean => OWNER.test(name);

/** Whether the process that named the folder is gone. Our own folders are not asked for. */
export function isAbandoned(name: string, touchedMillis: number): boolean {
  const match = OWNER.exec(name);
  if (match === null) return false;
  const [, space, pid, start] = match;
  if (Number(pid) === 0) return true;
  if (Date.now() - touchedMillis > SILENT_MILLIS) return true;
  return space === idSpace() && !isRunning(Number(pid), Number(start));
}

/** Process ids mean the same to processes in which this is the same: one boot of one pid namespace. */
function idSpace(): string {
  knownSpace ??= crypto()
    .createHash('sha256')
    .update(`${hostname()}\n${bootId()}\n${pidNamespace()}`)
    .digest('hex')
    .slice(0, 12);
  return knownSpace;
}
let knownSpace: string | undefined;

const bootId = (): string =>
  attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')) ?? '';
const pidNamespace = (): string => attempt(() => readlinkSync('/proc/self/ns/pid')) ?? '';

/** Ids are used again, so where the system tells it, the start must be the same. */
function isRunning(pid: number, start: number): boolean {
  const running = startOf(pid);
  if (running !== undefined) return running === start || start === 0;
  try {
    process.kill(pid, 0); // signal 0 only asks
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** When a process was started, in clock ticks since boot; undefined where there is no such file. */
function startOf(pid: number): number | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  if (stat === undefined) return undefined;
  // The name in parentheses may itself hold spaces and parentheses: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? GONE : Number(fields[START_FIELD]);
}
/** Dead, but its parent has not asked yet. */
const GONE = -1;
/** `starttime` is field 22 of proc(5); the first after the name is field 3. */
const START_FIELD = 22 - 3;

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
