/** The parameters of a profile request, checked; everything wrong with one is a 400 that says what. */
import { type Seconds, seconds } from '../units.ts';
import { type EndpointRequest, Refusal } from './exchange.ts';
import { type LabelFilter, readFilter } from './filters.ts';

/** What a profile can be served as. */
export const FORMATS = {
  pprof: 'application/octet-stream',
  folded: 'text/plain; charset=utf-8',
  top: 'text/plain; charset=utf-8',
  'top-json': 'application/json',
  speedscope: 'application/json',
  flamegraph: 'text/html; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
  /** What the live page of flame graphs asks for. */
  data: 'application/json',
} as const;
export type Format = keyof typeof FORMATS;

export interface ProfileQuery {
  /** Undefined if not given. */
  readonly seconds: Seconds | undefined;
  readonly hertz: number | undefined;
  readonly gc: boolean;
  readonly format: Format;
  readonly filters: readonly LabelFilter[];
  /** Rows of a `top` table. */
  readonly limit: number | undefined;
}

/** Ten minutes are 1,200 cuts at most, a few KB each, and the longest anybody waits for an answer. */
const SECONDS = { from: 0.1, to: 600 };
/** Bounds what one request makes us compare with every label set. */
const MAX_FILTERS = 16;
const MAX_VALUE_LENGTH = 512;
const MAX_LIMIT = 10_000;
/** As the configuration: above 1 kHz a profile shows the profiler. */
const MAX_HERTZ = 1_000;
const NAMES = 'seconds, hz, gc, debug, format, limit, label, -label, trace_id and span_id';

export function readQuery(query: string, request: EndpointRequest): ProfileQuery {
  const parameters = new URLSearchParams(query);
  const filters: LabelFilter[] = [];
  const single = new Map<string, string>();
  for (const [name, value] of parameters) {
    if (value.length > MAX_VALUE_LENGTH) throw new Refusal(400, `${quoted(name)} is too long`);
    const filter = readFilter(name, value);
    if (filter !== undefined) filters.push(filter);
    else if (!SINGLE.has(name)) {
      throw new Refusal(400, `there is no parameter ${quoted(name)}; there are ${NAMES}`);
    } else if (single.has(name)) throw new Refusal(400, `${name} is given twice`);
    else single.set(name, value);
  }
  if (filters.length > MAX_FILTERS) throw new Refusal(400, `more than ${MAX_FILTERS} filters`);
  const duration = numberOf(single, 'seconds', SECONDS);
  return {
    seconds: duration === undefined ? undefined : seconds(duration),
    hertz: numberOf(single, 'hz', { from: 1, to: MAX_HERTZ }),
    gc: flagOf(single, 'gc'),
    limit: numberOf(single, 'limit', { from: 1, to: MAX_LIMIT }),
    format: formatOf(single, request),
    filters,
  };
}

const SINGLE: ReadonlySet<string> = new Set(['seconds', 'hz', 'gc', 'debug', 'format', 'limit']);

function numberOf(
  given: ReadonlyMap<string, string>,
  name: string,
  { from, to }: { from: number; to: number },
): number | undefined {
  const text = given.get(name);
  if (text === undefined) return undefined;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= from && value <= to) return value;
  throw new Refusal(400, `${name} must be a number from ${from} to ${to}, not ${quoted(text)}`);
}

function flagOf(given: ReadonlyMap<string, string>, name: string): boolean {
  const text = given.get(name) ?? '0';
  if (text !== '0' && text !== '1') throw new Refusal(400, `${name} must be 0 or 1`);
  return text === '1';
}

/** `format=`, else `debug=1`, else the first type in `Accept` that we have, else pprof. */
function formatOf(given: ReadonlyMap<string, string>, request: EndpointRequest): Format {
  const text = given.get('format');
  if (text !== undefined) {
    if (Object.hasOwn(FORMATS, text)) return text as Format;
    const names = Object.keys(FORMATS).join(', ');
    throw new Refusal(400, `there is no format ${quoted(text)}; there are ${names}`);
  }
  if (flagOf(given, 'debug')) return 'top';
  for (const range of (request.header('accept') ?? '').split(',', 16)) {
    const format = BY_ACCEPT.get((range.split(';', 1)[0] ?? '').trim().toLowerCase());
    if (format !== undefined) return format;
  }
  return 'pprof';
}

const BY_ACCEPT: ReadonlyMap<string, Format> = new Map<string, Format>([
  ['application/octet-stream', 'pprof'],
  ['application/vnd.google.protobuf+gzip', 'pprof'],
  ['text/html', 'flamegraph'],
  ['image/svg+xml', 'svg'],
  ['text/plain', 'top'],
  ['application/json', 'top-json'],
  ['application/speedscope+json', 'speedscope'],
  ['text/vnd.folded', 'folded'],
]);

/** Somebody else's text in a message: short, on one line, printable. */
export function quoted(text: string): string {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return JSON.stringify(shown);
}
