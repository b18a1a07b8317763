/**
 * What the server says, read with suspicion: nothing of a reply is used before it has been checked.
 */
import type { ProfileType } from '../../profile/model.ts';
import { type Milliseconds, milliseconds, NANOS_PER_MILLI } from '../../units.ts';
import { SERVER_TYPES } from './types.ts';

/** What the server wants: one profile of this type, over this time, under this name. */
export interface Assignment {
  /** `projects/<project>/profiles/<id>`, safe to put into a path. */
  readonly name: string;
  readonly profileType: ProfileType;
  readonly durationMillis: Milliseconds;
  /** The duration as the server wrote it, to be sent back. */
  readonly duration: string;
}

/**
 * The server asks for 10 s. Ten minutes are more than it has reason to: the recording, with all its
 * labels, is held in memory until it ends.
 */
const MAX_DURATION_MILLIS = 600_000;
/** A longer wait than a day is no instruction but a defect; we then ask again after a day. */
const MAX_RETRY_DELAY_MILLIS = 24 * 3_600_000;

const PROFILE_NAME =
  /^projects\/[A-Za-z0-9][A-Za-z0-9._:-]{0,99}\/profiles\/[A-Za-z0-9._~-]{1,200}$/;
/** google.protobuf.Duration in JSON. */
const DURATION = /^(\d{1,12})(?:\.(\d{1,9}))?s$/;

/** An assignment, or the reason why this is none. */
export function readAssignment(
  reply: unknown,
  offered: readonly ProfileType[],
): Assignment | { readonly fault: string } {
  if (!isRecord(reply)) return { fault: 'not an object' };
  const { name, profileType, duration } = reply;
  if (typeof name !== 'string' || !PROFILE_NAME.test(name) || name.includes('/..')) {
    return { fault: `profile name ${show(name)}` };
  }
  const type = offered.find((one) => SERVER_TYPES[one] === profileType);
  if (type === undefined) return { fault: `profile type ${show(profileType)} was not offered` };
  // The live heap is a state: it is taken at once, so nobody need say how long.
  if (type === 'heap') {
    const text = typeof duration === 'string' && DURATION.test(duration) ? duration : '0s';
    return { name, profileType: type, durationMillis: milliseconds(0), duration: text };
  }
  const millis = durationMillisOf(duration);
  if (typeof duration !== 'string' || millis === undefined || millis > MAX_DURATION_MILLIS) {
    return { fault: `duration ${show(duration)}` };
  }
  return { name, profileType: type, durationMillis: millis, duration };
}

/** `google.rpc.Status`, as far as it is one. */
export interface ServerError {
  readonly message: string | undefined;
  /** `RetryInfo.retryDelay`: how long the server asks us to wait. */
  readonly retryMillis: Milliseconds | undefined;
}

/** Takes any reply: what is no error of the server's form has neither message nor delay. */
export function readServerError(reply: unknown): ServerError {
  const error = isRecord(reply) && isRecord(reply['error']) ? reply['error'] : {};
  const { message, details } = error;
  return {
    message: typeof message === 'string' && message !== '' ? oneLine(message) : undefined,
    retryMillis: Array.isArray(details) ? firstDelay(details) : undefined,
  };
}

function firstDelay(details: readonly unknown[]): Milliseconds | undefined {
  for (const detail of details) {
    if (!isRecord(detail)) continue;
    const millis = durationMillisOf(detail['retryDelay']);
    if (millis !== undefined) return milliseconds(Math.min(millis, MAX_RETRY_DELAY_MILLIS));
  }
  return undefined;
}

/** A `Retry-After` header in seconds; its other form, a date, is not used by this server. */
export function readRetryAfter(header: unknown): Milliseconds | undefined {
  if (typeof header !== 'string' || !/^\d{1,9}$/.test(header) || Number(header) === 0) {
    return undefined;
  }
  return milliseconds(Math.min(Number(header) * 1_000, MAX_RETRY_DELAY_MILLIS));
}

/** `1.500s` → 1500. Rounded up, since waiting too short is the worse mistake; undefined unless > 0. */
function durationMillisOf(text: unknown): Milliseconds | undefined {
  const match = typeof text === 'string' ? DURATION.exec(text) : null;
  if (match === null) return undefined;
  const [, seconds = '', fraction = ''] = match;
  const nanos = Number(fraction.padEnd(9, '0'));
  const millis = Number(seconds) * 1_000 + Math.ceil(nanos / NANOS_PER_MILLI);
  return millis > 0 ? milliseconds(millis) : undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const MAX_SHOWN_LENGTH = 200;

/** Text of the other side as it may stand in a message: short, one line, nothing a terminal obeys. */
export function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  return line.length > MAX_SHOWN_LENGTH ? `${line.slice(0, MAX_SHOWN_LENGTH)}…` : line;
}

const show = (value: unknown): string => oneLine(JSON.stringify(value) ?? String(value));
