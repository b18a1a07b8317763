import { sumBy } from '../../profile/filter.ts';
import type { Profile } from '../../profile/model.ts';
import { commonScale, formatPercent } from '../../profile/quantities.ts';
import { formatTop, top as topOf } from '../../profile/top.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit.ts';
import { columnFor, INPUT_OPTIONS, readInput } from '../input.ts';
import { cut, printable, type Terminal } from '../terminal.ts';

const DEFAULT_LIMIT = 20;
/** More lines than that are for `--json`. */
const MAX_LIMIT = 100_000;

export const top: Command = {
  usage: '[options] FILE|FOLDER|URL...',
  description: `What cost most: functions, or with --by the agents, tools or any other label.
Several profiles of one kind are added up; of a folder, those of --type. A URL
without a path is taken for an endpoint and asked for a profile of now.`,
  options: {
    ...INPUT_OPTIONS,
    by: { value: 'LABEL', short: 'b', doc: 'sum by this label instead of by function' },
    sort: { value: 'NUMBER', choices: ['flat', 'cum'], doc: 'by what to sort functions' },
    limit: { value: 'N', short: 'n', doc: `how many lines; ${DEFAULT_LIMIT} by default` },
    json: { doc: 'as JSON, in the unit of the value' },
  },
  examples: [
    'top profiles/20261121T101500.000Z-checkout-42-cpu.pb.gz',
    'top profiles --by agent_name',
    'top profiles --label agent_name=planner --sort cum -n 10',
    'top http://localhost:6060 --seconds 5 --json',
  ],
  async run(args, terminal) {
    const limit = args.wholeNumber('limit', { min: 1, max: MAX_LIMIT }) ?? DEFAULT_LIMIT;
    const profile = await readInput(args.positionals, args, terminal);
    const column = columnFor(profile, args);
    const by = args.text('by');
    const text =
      by === undefined
        ? functionsText(profile, column, limit, args, terminal)
        : labelText(profile, column, limit, by, args);
    await terminal.print(text);
    return EXIT.ok;
  },
};

function functionsText(
  profile: Profile,
  column: number,
  limit: number,
  args: Arguments,
  terminal: Terminal,
): string {
  const sortBy = args.text('sort') === 'cum' ? 'cum' : 'flat';
  if (args.flag('json')) {
    const functions = topOf(profile, column, { sortBy, limit });
    return jsonText(profile, column, { functions });
  }
  const valueType = profile.sampleTypes[column]?.type ?? '';
  const lines = printable(formatTop(profile, { valueType, sortBy, limit })).split('\n');
  return lines
    .map((line) => cut(line, terminal.columns))
    .map((line) => `${line.startsWith('      flat') ? terminal.styled('bold', line) : line}\n`)
    .join('');
}

function labelText(
  profile: Profile,
  column: number,
  limit: number,
  by: string,
  args: Arguments,
): string {
  const sums = [...sumBy(profile, column, (labels) => labelAsText(labels[by]))];
  if (args.flag('json')) {
    const values = sums.slice(0, limit).map(([value, sum]) => ({ value: value ?? null, sum }));
    return jsonText(profile, column, { label: by, values });
  }
  const { type = '', unit = '' } = profile.sampleTypes[column] ?? {};
  const total = sums.reduce((sum, [, value]) => sum + value, 0);
  const format = commonScale([total, ...sums.map(([, value]) => value)], unit);
  const rows = sums.slice(0, limit).map(([value, sum]) => {
    const name = value === undefined ? `(no ${by})` : value;
    return `${format(sum).padStart(10)} ${formatPercent(sum, total)}  ${printable(name)}\n`;
  });
  const more = sums.length - rows.length;
  const rest = more > 0 ? `and ${more} more values of ${by}\n` : '';
  return `Type: ${type}, ${format(total)} total\n${rows.join('')}${rest}`;
}

function labelAsText(value: string | number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

/** What every `--json` of a profile begins with. */
function jsonText(profile: Profile, column: number, content: object): string {
  const valueType = profile.sampleTypes[column];
  const total = (profile.samples.values[column] ?? []).reduce((sum, value) => sum + value, 0);
  const { profileType } = profile;
  return `${JSON.stringify({ profileType, valueType, total, ...content }, null, 2)}\n`;
}
