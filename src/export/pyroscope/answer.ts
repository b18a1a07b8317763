import { milliseconds } from '../../units.ts';
import type { SendOutcome } from '../destination.ts';
import { type HttpAnswer, retryAfterMillis } from '../http.ts';

/**
 * What an answer of Pyroscope means. Refused content is 400, 413, 415 or 422; a profile that cannot
 * be decoded is also 500, one that would make too many series 429. Whatever else fails may come right by itself or when somebody corrects an
 * address, a token or a proxy: those profiles wait.
 */
export function outcomeOf(answer: HttpAnswer): SendOutcome {
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'stored' };
  const reason = `HTTP ${status}${messageIn(answer.text)}`;
  if (CONTENT_REFUSED.has(status)) return { kind: 'rejected', reason };
  if (status === 500 && UNDECODABLE.test(answer.text)) return { kind: 'rejected', reason };
  if (status === 429 && TOO_MANY_SERIES.test(answer.text)) return { kind: 'rejected', reason };
  const afterMillis = retryAfterMillis(answer);
  return {
    kind: 'retry',
    reason,
    isAnswer: true,
    ...(afterMillis === undefined ? {} : { afterMillis: milliseconds(afterMillis) }),
  };
}

const CONTENT_REFUSED: ReadonlySet<number> = new Set([400, 413, 415, 422]);
/** What the server's decoders say: of gzip, of protocol buffers, of the profile. */
const UNDECODABLE = /\b(gzip|unmarshal|proto: |unexpected EOF|decompress)/i;
/** No rate that falls again, but labels with too many values: later profiles have fewer, or none pass. */
const TOO_MANY_SERIES = /active series limit exceeded/i;
/** A reason is read by people, in one line. It begins with all labels and ends with what is wrong. */
const MAX_BEGINNING = 100;
const MAX_END = 200;

/** The message in a Connect error, or the beginning of whatever came. */
function messageIn(text: string): string {
  let message = text;
  try {
    const error: unknown = JSON.parse(text);
    if (typeof error === 'object' && error !== null && 'message' in error) {
      message = String(error.message);
    }
  } catch {
    // Not JSON: a proxy's page, or plain text.
  }
  const line = message.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  if (line.length <= MAX_BEGINNING + MAX_END) return line === '' ? '' : `: ${line}`;
  return `: ${line.slice(0, MAX_BEGINNING)} … ${line.slice(-MAX_END)}`;
}
