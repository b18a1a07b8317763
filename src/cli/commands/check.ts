import type { Profile } from '../../profile/model.ts';
import { formatQuantity } from '../../profile/quantities.ts';
import { validate } from '../../profile/validate.ts';
import { nanosToMillis } from '../../units.ts';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { bytesOf, decodeFrom } from '../input.ts';
import { printable } from '../terminal.ts';

export const check: Command = {
  usage: '[options] FILE...',
  description: `Reads each file as strictly as we can and says what is in it. The exit code is 1 if
one of them is not a sound pprof profile.`,
  options: { json: { doc: 'as JSON, one object per file in a list' } },
  examples: ['check profiles/*.pb.gz', 'check --json heap.pb.gz', 'check - < profile.pb.gz'],
  async run(args, terminal) {
    if (args.positionals.length === 0) throw new UsageError('a file is missing');
    const results: Result[] = [];
    for (const file of args.positionals) {
      let result: Result;
      try {
        result = summaryOf(file, decodeFrom(file, await bytesOf(file, args, terminal)));
      } catch (error) {
        result = {
          file,
          ok: false,
          problem: error instanceof Error ? error.message : String(error),
        };
      }
      results.push(result);
      if (args.flag('json')) continue;
      if (result.ok) {
        const mark = terminal.styled('green', 'ok');
        await terminal.print(`${printable(file)}: ${mark}\n${printable(detailsOf(result))}`);
      } else {
        await terminal.say(
          `${terminal.styledError('red', 'spanprof:')} ${printable(result.problem)}`,
        );
      }
    }
    if (args.flag('json')) await terminal.print(`${JSON.stringify(results, null, 2)}\n`);
    return results.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed;
  },
};

type Result = Summary | { readonly file: string; readonly ok: false; readonly problem: string };

interface Summary {
  readonly file: string;
  readonly ok: true;
  readonly profileType: string;
  /** UTC, ISO 8601; null if the profile does not say. */
  readonly start: string | null;
  readonly durationSeconds: number;
  readonly values: readonly {
    readonly type: string;
    readonly unit: string;
    readonly total: number;
  }[];
  readonly samples: number;
  readonly functions: number;
  readonly stacks: number;
  /** Keys of labels with the number of different values of each. */
  readonly labels: Readonly<Record<string, number>>;
  readonly comments: readonly string[];
}

function summaryOf(file: string, profile: Profile): Result {
  const [problem] = validate(profile);
  if (problem !== undefined) return { file, ok: false, problem: `${file}: ${problem}` };
  const { samples, sampleTypes } = profile;
  const labels = new Map<string, Set<string | number>>();
  for (const set of profile.labelSets) {
    for (const [key, value] of Object.entries(set)) {
      labels.set(key, (labels.get(key) ?? new Set()).add(value));
    }
  }
  return {
    file,
    ok: true,
    profileType: profile.profileType,
    start: startOf(profile),
    durationSeconds: Number(profile.durationNanos) / 1e9,
    values: sampleTypes.map(({ type, unit }, column) => ({
      type,
      unit,
      total: (samples.values[column] ?? []).reduce((sum, value) => sum + value, 0),
    })),
    samples: samples.stack.length,
    functions: profile.functions.name.length,
    stacks: profile.stacks.location.length,
    labels: Object.fromEntries([...labels].sort().map(([key, values]) => [key, values.size])),
    comments: profile.comments,
  };
}

/** The latest moment a Date can hold. */
const MAX_DATE_MILLIS = 8.64e15;

function startOf({ timeNanos }: Profile): string | null {
  const millis = nanosToMillis(timeNanos);
  return millis === 0 || millis > MAX_DATE_MILLIS ? null : new Date(millis).toISOString();
}

function detailsOf(summary: Summary): string {
  const values = summary.values.map(
    ({ type, unit, total }) => `${type} ${formatQuantity(total, unit)}`,
  );
  const duration = formatQuantity(summary.durationSeconds, 'seconds');
  const labels = Object.entries(summary.labels).map(([key, count]) => `${key} (${count})`);
  const rows = [
    ['type', summary.profileType],
    ['window', `${summary.start ?? 'start not known'}, ${duration}`],
    ['values', values.join(', ')],
    ['samples', `${summary.samples} on ${summary.stacks} stacks of ${summary.functions} functions`],
    ['labels', labels.join(', ') || 'none'],
    ['comments', summary.comments.join(', ') || 'none'],
  ];
  return rows.map(([name, text]) => `  ${name?.padEnd(8)}  ${text}\n`).join('');
}
