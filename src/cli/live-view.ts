/** What `live` shows of an endpoint's answers, as lines of text. Pure. */
import { formatPercent, formatQuantity } from '../profile/quantities.ts';
import { cut, printable } from './terminal.ts';

/** Plain data from another process: every field may be missing or of another type. */
export type Json = Readonly<Record<string, unknown>>;

/** One look at the endpoint. */
export interface Look {
  readonly atMillis: number;
  /** `/debug/usage`; undefined where no bills are kept. */
  readonly usage: Json | undefined;
  /** `/debug/status` */
  readonly status: Json;
}

export interface ViewOptions {
  /** Lines and columns there are; no limit in a pipe. */
  readonly rows?: number | undefined;
  readonly columns?: number | undefined;
  readonly bold: (text: string) => string;
}

/** The view of `now`; rates are those since `before`. Ends without a line break. */
export function liveView(now: Look, before: Look | undefined, options: ViewOptions): string {
  const { bold } = options;
  const seconds = before === undefined ? 0 : (now.atMillis - before.atMillis) / 1_000;
  const lines = [
    bold(headOf(now)),
    ...processLines(now, before, seconds),
    ...samplersOf(now.status),
  ];
  if (now.usage === undefined) lines.push('', 'no bills are kept there: attribution is off');
  else {
    for (const group of ['agents', 'tools'] as const) {
      lines.push('', bold(titleOf(group.slice(0, -1))));
      lines.push(...accountLines(now.usage, before?.usage, group, seconds));
    }
    const open = listOf(now.usage, 'open');
    lines.push('', bold(`open invocations: ${open.length}`));
    for (const one of open.slice(0, MAX_OPEN)) lines.push(openLine(one));
  }
  return lines
    .slice(0, options.rows)
    .map((line) => cut(line, options.columns))
    .join('\n');
}

const MAX_ACCOUNTS = 15;
const MAX_OPEN = 8;
const NAME_WIDTH = 28;

function headOf(now: Look): string {
  const service = textOf(now.status, 'serviceName') || 'unknown service';
  const clock = new Date(now.atMillis).toISOString().slice(11, 19);
  return `${service}  ${textOf(now.status, 'state')}  ${clock} UTC`;
}

/** CPU, memory and event loop of the process; empty where an older endpoint does not tell. */
function processLines(now: Look, before: Look | undefined, seconds: number): string[] {
  const figures = tableOf(now.status, 'process');
  if (figures === undefined) return [];
  const earlier = tableOf(before?.status, 'process');
  const size = (key: string): string => formatQuantity(numberOf(figures, key), 'bytes');
  const memory = `memory ${size('residentBytes')}  heap ${size('heapUsedBytes')}  external ${size('externalBytes')}`;
  const cpu = rateOf(figures, earlier, 'cpuMicros', seconds);
  const active = rateOf(figures, earlier, 'loopActiveMicros', seconds);
  const idle = rateOf(figures, earlier, 'loopIdleMicros', seconds);
  if (cpu === undefined || active === undefined || idle === undefined) {
    const total = formatQuantity(numberOf(figures, 'cpuMicros'), 'microseconds');
    return [`CPU ${total} since the start  ${memory}`];
  }
  const busy = formatPercent(active, active + idle).trim();
  return [`CPU ${formatPercent(cpu, 1e6).trim()}  event loop busy ${busy}  ${memory}`];
}

function samplersOf(status: Json): string[] {
  const samplers = ['cpu', 'heap'].map((name) => {
    const { state, lostSamples } = tableOf(status, name) ?? {};
    const lost = typeof lostSamples === 'number' && lostSamples > 0 ? `, ${lostSamples} lost` : '';
    return `${name} ${typeof state === 'string' ? state : 'unknown'}${lost}`;
  });
  const windows = numberOf(tableOf(status, 'windows'), 'completed');
  const profiles = tableOf(status, 'profiles');
  const dropped = numberOf(profiles, 'dropped');
  const delivered = `profiles ${numberOf(profiles, 'delivered')} delivered${dropped > 0 ? `, ${dropped} dropped` : ''}`;
  const own = formatQuantity(numberOf(status, 'ownCpuMicros'), 'microseconds');
  return [[...samplers, `windows ${windows}`, delivered, `own CPU ${own}`].join('  ')].map(
    printable,
  );
}

function titleOf(what: string): string {
  return `${what.padEnd(NAME_WIDTH)}${['CPU now', 'CPU', 'allocated', 'GC', 'calls'].map((name) => name.padStart(11)).join('')}`;
}

function accountLines(
  usage: Json,
  before: Json | undefined,
  group: string,
  seconds: number,
): string[] {
  const known = new Map(listOf(before, group).map((one) => [one['name'], one]));
  const rated = listOf(usage, group).map((account) => ({
    account,
    rate: rateOf(account, known.get(account['name']), 'cpuMicros', seconds),
  }));
  // Who is busy now stands on top; then who has cost most.
  rated.sort(
    (one, other) =>
      (other.rate ?? 0) - (one.rate ?? 0) ||
      numberOf(other.account, 'cpuMicros') - numberOf(one.account, 'cpuMicros'),
  );
  const lines = rated.slice(0, MAX_ACCOUNTS).map(({ account, rate }) => {
    const cells = [
      rate === undefined ? '' : formatPercent(rate, 1e6).trim(),
      formatQuantity(numberOf(account, 'cpuMicros'), 'microseconds'),
      formatQuantity(numberOf(account, 'allocatedBytes'), 'bytes'),
      formatQuantity(numberOf(account, 'gcMicros'), 'microseconds'),
      String(numberOf(account, 'invocations')),
    ];
    return `${nameCell(textOf(account, 'name'))}${cells.map((cell) => cell.padStart(11)).join('')}`;
  });
  const more = rated.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

function openLine(invocation: Json): string {
  const tool = textOf(invocation, 'tool');
  const name = `${textOf(invocation, 'agent')}${tool === '' ? '' : ` / ${tool}`}`;
  const wall = formatQuantity(numberOf(invocation, 'wallMicros'), 'microseconds');
  const cpu = formatQuantity(numberOf(invocation, 'cpuMicros'), 'microseconds');
  return `${nameCell(name)}  for ${wall}, CPU ${cpu}`;
}

function nameCell(name: string): string {
  return cut(name, NAME_WIDTH).padEnd(NAME_WIDTH);
}

/** Growth of a figure in a second; undefined without two looks. */
function rateOf(
  now: Json | undefined,
  before: Json | undefined,
  key: string,
  seconds: number,
): number | undefined {
  if (seconds <= 0 || now === undefined) return undefined;
  return Math.max(numberOf(now, key) - numberOf(before, key), 0) / seconds;
}

function numberOf(table: Json | undefined, key: string): number {
  const value = table?.[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function textOf(table: Json, key: string): string {
  const value = table[key];
  return typeof value === 'string' ? printable(value).replaceAll('\n', ' ') : '';
}

function tableOf(table: Json | undefined, key: string): Json | undefined {
  const value = table?.[key];
  return typeof value === 'object' && value !== null ? (value as Json) : undefined;
}

function listOf(table: Json | undefined, key: string): readonly Json[] {
  const value = table?.[key];
  if (!Array.isArray(value)) return [];
  return value.filter((item): item is Json => typeof item === 'object' && item !== null);
}
