import { compare, formatComparison } from '../../profile/compare.ts';
import { flamegraphSvg } from '../../profile/flamegraph-svg.ts';
import type { Profile } from '../../profile/model.ts';
import { formatQuantity } from '../../profile/quantities.ts';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { columnFor, INPUT_OPTIONS, readInput } from '../input.ts';
import { cut, printable } from '../terminal.ts';
import { writeOutput } from '../write-output.ts';

const DEFAULT_LIMIT = 20;

export const diff: Command = {
  usage: '[options] BEFORE AFTER',
  description: `What AFTER spends more or less than BEFORE, function by function. Both are a file, a
folder or a URL. Values are as recorded; with --per-second those of BEFORE are scaled
to the length of AFTER.`,
  options: {
    ...INPUT_OPTIONS,
    sort: { value: 'NUMBER', choices: ['flat', 'cum'], doc: 'by whose change to sort' },
    limit: { value: 'N', short: 'n', doc: `how many lines; ${DEFAULT_LIMIT} by default` },
    'per-second': { doc: 'compare rates: windows may differ in length' },
    output: {
      value: 'FILE',
      short: 'o',
      doc: 'a flame graph of AFTER coloured by change: .svg or .html',
    },
    json: { doc: 'as JSON, in the unit of the value' },
  },
  examples: [
    'diff monday-cpu.pb.gz tuesday-cpu.pb.gz --per-second',
    'diff before/ after/ --type heap --label agent_name=planner',
    'diff before.pb.gz after.pb.gz -o change.svg',
  ],
  async run(args, terminal) {
    const [before, after, ...more] = args.positionals;
    if (before === undefined || after === undefined || more.length > 0) {
      throw new UsageError('two inputs are needed: BEFORE and AFTER');
    }
    const limit = args.wholeNumber('limit', { min: 1, max: 100_000 }) ?? DEFAULT_LIMIT;
    const output = args.text('output');
    if (output !== undefined && !/^-$|\.(svg|html?)$/i.test(output)) {
      throw new UsageError(`-o must end in .svg or .html, not ${output}`);
    }
    const base = await readInput([before], args, terminal);
    const other = await readInput([after], args, terminal);
    const column = columnFor(other, args);
    const { type = '', unit = '' } = other.sampleTypes[column] ?? {};
    if (output !== undefined) {
      const title = `${type}: ${before} → ${after}`;
      const drawn = /\.html?$/i.test(output)
        ? (await import('../../pages/flamegraph.ts')).flamegraphPage(other, { title, base })
        : flamegraphSvg(other, { title, valueType: type, base });
      await writeOutput(output, drawn, terminal);
      if (output === '-') return EXIT.ok;
    }
    const baseScale = args.flag('per-second') ? scaleOf(base, other) : 1;
    const sortBy = args.text('sort') === 'cum' ? 'cum' : 'flat';
    const entries = compare(base, other, column, { sortBy, baseScale });
    const totals = {
      before: Math.round(totalOf(base, column) * baseScale),
      after: totalOf(other, column),
    };
    if (args.flag('json')) {
      const functions = entries.slice(0, limit);
      const content = { valueType: { type, unit }, baseScale, totals, functions };
      await terminal.print(`${JSON.stringify(content, null, 2)}\n`);
      return EXIT.ok;
    }
    const format = (value: number): string => formatQuantity(value, unit);
    const change = totals.after - totals.before;
    const head = `Type: ${type}, before ${format(totals.before)}, after ${format(totals.after)}, change ${change > 0 ? '+' : ''}${format(change)}\n`;
    const table = printable(formatComparison(entries.slice(0, limit), unit));
    const hidden = entries.length - limit;
    const lines = table.split('\n').map((line) => cut(line, terminal.columns));
    await terminal.print(
      `${head}${lines.join('\n')}${hidden > 0 ? `and ${hidden} more functions that changed\n` : ''}`,
    );
    return EXIT.ok;
  },
};

function totalOf(profile: Profile, column: number): number {
  return (profile.samples.values[column] ?? []).reduce((sum, value) => sum + value, 0);
}

/** How much longer the other's window is. */
function scaleOf(base: Profile, other: Profile): number {
  if (base.durationNanos === 0n || other.durationNanos === 0n) {
    throw new UsageError('--per-second: one of the profiles does not say how long it recorded');
  }
  return Number(other.durationNanos) / Number(base.durationNanos);
}
