import { setTimeout as sleep } from 'node:timers/promises';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { get } from '../fetch.ts';
import { isUrl } from '../input.ts';
import { unreadable } from '../input-errors.ts';
import { type Json, type Look, liveView } from '../live-view.ts';
import { Screen } from '../screen.ts';
import type { Terminal } from '../terminal.ts';

const DEFAULT_SECONDS = 2;
/** An endpoint that is slower than that is stuck. */
const TIMEOUT_MILLIS = 10_000;

export const live: Command = {
  usage: '[options] URL',
  description: `What the agents and tools of a running program cost, as it goes on: the endpoint's
/debug/usage and /debug/status every few seconds. In a terminal it fills the screen
until q or Ctrl-C; in a pipe each look is printed below the last.`,
  options: {
    interval: {
      value: 'SECONDS',
      short: 'i',
      doc: `between two looks; ${DEFAULT_SECONDS} by default`,
    },
    count: { value: 'N', short: 'n', doc: 'so many looks, then end' },
    token: {
      value: 'TOKEN',
      doc: 'sent as a bearer token; better in SPANPROF_ENDPOINT_TOKEN, where no process list shows it',
    },
    json: { doc: 'each look as one line of JSON' },
  },
  examples: [
    'live http://localhost:6060',
    'live http://localhost:6060 --interval 10 --json >> usage.jsonl',
    'live http://localhost:6060 --count 1',
  ],
  async run(args, terminal) {
    const [url, ...more] = args.positionals;
    if (url === undefined || more.length > 0) throw new UsageError('one URL is needed');
    if (!isUrl(url) || !URL.canParse(url)) throw new UsageError(`not a URL: ${url}`);
    const millis =
      1_000 * (args.wholeNumber('interval', { min: 1, max: 3_600 }) ?? DEFAULT_SECONDS);
    const count = args.wholeNumber('count', { min: 1, max: 1_000_000_000 }) ?? Infinity;
    // The first answer also says whether there is an endpoint at all.
    const first = await lookAt(url, args, terminal);
    const looks = { url, millis, count, first };
    const fillsScreen = terminal.isInteractive && !args.flag('json') && count > 1;
    if (fillsScreen) return watch(looks, args, terminal);
    return list(looks, args, terminal);
  },
};

interface Looks {
  readonly url: string;
  readonly millis: number;
  readonly count: number;
  readonly first: Look;
}

/** Look below look. */
async function list(looks: Looks, args: Arguments, terminal: Terminal): Promise<number> {
  const bold = (text: string): string => terminal.styled('bold', text);
  let before: Look | undefined;
  let now = looks.first;
  for (let taken = 1; ; taken++) {
    const text = args.flag('json') ? JSON.stringify(now) : `${liveView(now, before, { bold })}\n`;
    await terminal.print(`${text}\n`);
    if (taken >= looks.count) return EXIT.ok;
    await sleep(looks.millis);
    before = now;
    now = await lookAt(looks.url, args, terminal);
  }
}

/** A screen that is painted anew with each look. An endpoint that goes away may come back. */
async function watch(looks: Looks, args: Arguments, terminal: Terminal): Promise<number> {
  const screen = new Screen(process.stdin, process.stdout);
  const bold = (text: string): string => terminal.styled('bold', text);
  let before: Look | undefined;
  let now = looks.first;
  let problem = '';
  const paint = (): void => {
    const { columns, rows } = terminal;
    const foot = problem === '' ? 'q ends' : terminal.styled('red', problem);
    screen.paint(liveView(now, before, { bold, columns, rows: rows - 2 }), foot);
  };
  screen.open(paint);
  // What is under way when the person leaves: a pause or a request.
  const leaving = new AbortController();
  const rest = (): Promise<void> => sleep(looks.millis, undefined, { signal: leaving.signal });
  const look = (): Promise<Look> => lookAt(looks.url, args, terminal, leaving.signal);
  try {
    for (let taken = 1; ; taken++) {
      paint();
      if (taken >= looks.count) return EXIT.ok;
      const next = await Promise.race([screen.ended, rest().then(look).catch(asError)]);
      if (next === 'q') return EXIT.ok;
      if (next === 'interrupt') return EXIT.interrupted;
      problem = next instanceof Error ? next.message : '';
      if (next instanceof Error) continue;
      before = now;
      now = next;
    }
  } finally {
    leaving.abort();
    screen.close();
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

async function lookAt(
  base: string,
  args: Arguments,
  terminal: Terminal,
  signal?: AbortSignal,
): Promise<Look> {
  const status = await answerOf(base, 'status', args, terminal, signal);
  // 503 says that no bills are kept; the rest is worth showing.
  const usage = await answerOf(base, 'usage', args, terminal, signal).catch(() => undefined);
  return { atMillis: Date.now(), usage, status };
}

async function answerOf(
  base: string,
  room: string,
  args: Arguments,
  terminal: Terminal,
  signal: AbortSignal | undefined,
): Promise<Json> {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/(debug(\/.*)?)?$/, '')}/debug/${room}`;
  url.search = '?format=json';
  const bytes = await get(url, args, terminal, TIMEOUT_MILLIS, signal);
  try {
    const answer: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof answer === 'object' && answer !== null) return answer as Json;
  } catch {
    // Said below.
  }
  throw unreadable(url.href, 'the answer is not JSON of an endpoint');
}
