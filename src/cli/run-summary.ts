import { join, relative } from 'node:path';
import type { Profile, ProfileType } from '../profile/model.ts';
import { commonScale, formatPercent, formatQuantity } from '../profile/quantities.ts';
import { placeOf, top } from '../profile/top.ts';
import type { Arguments } from './arguments.ts';
import { COST_LABELS, costsBy } from './costs.ts';
import { type ReadCosts, readCosts } from './read-costs.ts';
import { cut, printable, type Terminal } from './terminal.ts';
import { writeOutput } from './write-output.ts';

export interface RunEnd {
  readonly program: string;
  /** `code 0` or the name of a signal. */
  readonly how: string;
  readonly wallSeconds: number;
  readonly directory: string;
  /** Lines of a table. */
  readonly limit: number;
}

/** Reads what the run left behind and says what cost what. Never rejects for a bad profile. */
export async function summarize(end: RunEnd, args: Arguments, terminal: Terminal): Promise<void> {
  const read = await costsIn(end.directory, args, terminal);
  const text = args.flag('json') ? jsonOf(end, read) : textOf(end, read, terminal);
  const output = args.text('output');
  if (output === undefined) await terminal.say(text);
  else await writeOutput(output, `${text}\n`, terminal);
  if (!args.flag('report') || read.files === 0) return;
  const { reportPage } = await import('./report-page.ts');
  const file = join(end.directory, 'report.html');
  const { costs, unreadable } = read;
  await writeOutput(file, reportPage(costs, { title: end.program, unreadable }), terminal);
  await terminal.say(`report: ${printable(relative(process.cwd(), file))}`);
}

async function costsIn(directory: string, args: Arguments, terminal: Terminal): Promise<ReadCosts> {
  try {
    return await readCosts([directory], args, terminal);
  } catch {
    // The folder was never made, or nothing in it can be read: the program wrote nothing.
    return { costs: { merged: [], windows: [] }, files: 0, bytes: 0, unreadable: [] };
  }
}

const TYPE_TITLES: Readonly<Record<ProfileType, string>> = {
  cpu: 'CPU time',
  wall: 'Elapsed time',
  heap: 'Live heap at the end',
  allocs: 'Allocated memory',
};

function textOf(end: RunEnd, read: ReadCosts, terminal: Terminal): string {
  const { directory } = end;
  const shown = printable(relative(process.cwd(), directory) || '.');
  const title = (text: string): string => terminal.styledError('bold', text);
  const took = formatQuantity(end.wallSeconds, 'seconds');
  const lines = [`spanprof: ${printable(end.program)} ended with ${end.how} after ${took}`];
  if (read.files === 0) {
    lines.push(`no profiles in ${shown}: the program ended by a signal that leaves no time, or`);
    lines.push('its configuration switches profiles or the file exporter off');
    return lines.join('\n');
  }
  // Elapsed time of a thread that waits says little about costs, and is in the files.
  for (const profile of read.costs.merged.filter(({ profileType }) => profileType !== 'wall')) {
    lines.push('', ...tablesOf(profile, end.limit, title, terminal.errorColumns));
  }
  for (const problem of read.unreadable) lines.push('', `not read: ${printable(problem)}`);
  const size = formatQuantity(read.bytes, 'bytes');
  lines.push('', `${read.files} profiles (${size}) in ${shown}; to look at them:`);
  lines.push(`  spanprof report ${shown} -o report.html`);
  lines.push(`  spanprof flamegraph ${shown} -o cpu.html`);
  return lines.join('\n');
}

function tablesOf(
  profile: Profile,
  limit: number,
  title: (text: string) => string,
  columns: number | undefined,
): string[] {
  const column = profile.sampleTypes.length - 1;
  const { unit = '' } = profile.sampleTypes[column] ?? {};
  const values = profile.samples.values[column] ?? [];
  const total = values.reduce((sum, value) => sum + value, 0);
  const format = commonScale([total], unit);
  const row = (value: number, name: string): string =>
    cut(
      `${formatQuantity(value, unit).padStart(10)} ${formatPercent(value, total)}  ${printable(name)}`,
      columns,
    );
  const lines = [title(`${TYPE_TITLES[profile.profileType]}: ${format(total)}`)];
  for (const label of COST_LABELS) {
    const costs = [...costsBy(profile, label)];
    if (!costs.some(([value]) => value !== undefined)) continue;
    lines.push(title(`  by ${label}`));
    for (const [value, sum] of costs.slice(0, limit))
      lines.push(row(sum, value ?? `(no ${label})`));
    if (costs.length > limit) lines.push(`${' '.repeat(19)}and ${costs.length - limit} more`);
  }
  lines.push(title('  by function'));
  for (const entry of top(profile, column, { limit })) {
    if (entry.flat > 0) lines.push(row(entry.flat, placeOf(entry)));
  }
  return lines;
}

function jsonOf(end: RunEnd, read: ReadCosts): string {
  const profiles = read.costs.merged.map((profile) => {
    const column = profile.sampleTypes.length - 1;
    const labels = COST_LABELS.map((label) => [
      label,
      [...costsBy(profile, label)].map(([value, sum]) => ({ value: value ?? null, sum })),
    ]);
    return {
      profileType: profile.profileType,
      valueType: profile.sampleTypes[column],
      total: (profile.samples.values[column] ?? []).reduce((sum, value) => sum + value, 0),
      labels: Object.fromEntries(labels),
      functions: top(profile, column, { limit: end.limit }),
    };
  });
  const { program, how, wallSeconds, directory } = end;
  const { files, bytes, unreadable } = read;
  const ended = { program, how, wallSeconds, directory };
  return JSON.stringify({ ...ended, files, bytes, unreadable, profiles }, null, 2);
}
