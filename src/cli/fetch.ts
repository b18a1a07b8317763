import type { IncomingMessage } from 'node:http';
import { DECODE_LIMITS } from '../profile/decode.ts';
import type { Arguments } from './arguments.ts';
import { reasonOf, tooLarge, unreadable } from './input-errors.ts';
import { printable, type Terminal } from './terminal.ts';

const DEFAULT_SECONDS = 10;
/** As long as an endpoint may be asked to record. */
const MAX_SECONDS = 600;
/** What an endpoint may take beyond the time it records. */
const GRACE_MILLIS = 30_000;
/** Of an answer that is no profile, so much is shown. */
const MAX_REASON_BYTES = 300;

/**
 * The profile at a URL. One without a path is taken for an endpoint: `http://localhost:6060` is asked
 * for `/debug/pprof/profile?seconds=10`, or for what `--type` says. Redirects are refused: the token
 * must not go where the user did not send it.
 */
export async function fetchProfile(
  source: string,
  args: Arguments,
  terminal: Terminal,
): Promise<Uint8Array> {
  const asked = args.wholeNumber('seconds', { min: 1, max: MAX_SECONDS });
  const url = profileUrl(source, args.text('type') ?? 'cpu', asked);
  const seconds = Number(url.searchParams.get('seconds') ?? 0);
  const began = performance.now();
  const timer = setInterval(() => {
    const elapsed = Math.floor((performance.now() - began) / 1_000);
    const wait = seconds > 0 ? `${Math.min(elapsed, seconds)} of ${seconds} s` : `${elapsed} s`;
    terminal.progress(`${url.host} is recording, ${wait}`);
  }, 200);
  try {
    return await get(url, args, terminal, seconds * 1_000 + GRACE_MILLIS);
  } finally {
    clearInterval(timer);
    terminal.endProgress();
  }
}

/** The URL that is asked for a profile. Throws a `SpanprofError` if it is none. */
function profileUrl(source: string, type: string, seconds: number | undefined): URL {
  if (!URL.canParse(source)) throw unreadable(source, 'it is not a URL');
  const url = new URL(source);
  if (url.pathname === '/') {
    url.pathname = `/debug/pprof/${type === 'cpu' ? 'profile' : type}`;
    const records = type === 'cpu' || type === 'wall';
    if (seconds === undefined && records) url.searchParams.set('seconds', String(DEFAULT_SECONDS));
  }
  if (seconds !== undefined) url.searchParams.set('seconds', String(seconds));
  return url;
}

/** The body of an answer 200; ends early where `given` is aborted. Rejects with a `SpanprofError` that says what came instead. */
export async function get(
  url: URL,
  args: Arguments,
  terminal: Terminal,
  timeoutMillis: number,
  given?: AbortSignal,
): Promise<Uint8Array> {
  const source = `${url.origin}${url.pathname}`;
  const timeout = AbortSignal.timeout(timeoutMillis);
  const signal = given === undefined ? timeout : AbortSignal.any([timeout, given]);
  try {
    const response = await responseOf(url, tokenOf(args, terminal), signal);
    if (response.statusCode !== 200) {
      const text = await bodyOf(response, MAX_REASON_BYTES, 'cut').catch(() => Buffer.alloc(0));
      response.destroy();
      const [line = ''] = printable(text.toString('utf8').trim()).split('\n');
      const location = response.headers.location;
      const hint = location === undefined ? line : `a redirect to ${printable(location)}`;
      throw unreadable(source, `status ${response.statusCode}${hint === '' ? '' : `, ${hint}`}`);
    }
    return await bodyOf(response, DECODE_LIMITS.bytes, () => tooLarge(source));
  } catch (error) {
    if ((error as Error).name === 'SpanprofError') throw error;
    const late = (error as Error).name === 'TimeoutError' || (error as Error).name === 'AbortError';
    throw unreadable(source, late ? 'no answer in time' : reasonOf(error));
  }
}

function tokenOf(args: Arguments, terminal: Terminal): string | undefined {
  return args.text('token') ?? (terminal.env['SPANPROF_ENDPOINT_TOKEN'] || undefined);
}

async function responseOf(
  url: URL,
  token: string | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { request } = await (url.protocol === 'https:'
    ? import('node:https')
    : import('node:http'));
  return new Promise((resolve, reject) => {
    const headers = {
      accept: 'application/octet-stream, application/json;q=0.9, */*;q=0.1',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    request(url, { headers, signal, agent: false }, resolve).once('error', reject).end();
  });
}

async function bodyOf(
  response: IncomingMessage,
  maxBytes: number,
  beyond: 'cut' | (() => Error),
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    chunks.push(chunk);
    if (size <= maxBytes) continue;
    if (beyond === 'cut') break;
    throw beyond();
  }
  return Buffer.concat(chunks).subarray(0, maxBytes);
}
