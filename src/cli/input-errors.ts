/** What is wrong with something we were to read or write. */
import { SpanprofError } from '../errors.ts';
import { DECODE_LIMITS } from '../profile/decode.ts';

export function unreadable(source: string, reason: string): SpanprofError {
  return new SpanprofError('INPUT_UNREADABLE', { source, reason });
}

export function tooLarge(source: string): SpanprofError {
  return unreadable(source, `it has more than ${DECODE_LIMITS.bytes / 2 ** 20} MB`);
}

/** A system's error in a few words. */
export function reasonOf(error: unknown): string {
  if (error instanceof SpanprofError) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : REASONS[code];
  return known ?? code ?? message;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  ENOSPC: 'the disk is full',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'there is no such host',
  ETIMEDOUT: 'no answer in time',
};
