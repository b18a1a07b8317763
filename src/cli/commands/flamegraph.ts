import { encode } from '../../profile/encode.ts';
import { flamegraphSvg } from '../../profile/flamegraph-svg.ts';
import { folded } from '../../profile/folded.ts';
import type { Profile } from '../../profile/model.ts';
import { speedscope } from '../../profile/speedscope.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { columnFor, INPUT_OPTIONS, readInput } from '../input.ts';
import { writeOutput } from '../write-output.ts';

/** Endings of `-o` and values of `--format`. */
const FORMATS = ['svg', 'html', 'folded', 'speedscope', 'pprof'] as const;
type Format = (typeof FORMATS)[number];

export const flamegraph: Command = {
  usage: '[options] FILE|FOLDER|URL... -o FILE',
  description: `Draws profiles as a flame graph: a still image (.svg), an interactive page (.html),
folded stacks (.folded), speedscope's JSON (.json), or the filtered profile itself
(.pb.gz). No file refers to another host.`,
  options: {
    ...INPUT_OPTIONS,
    output: { value: 'FILE', short: 'o', doc: 'where to; - is stdout and needs --format' },
    format: { value: 'FORMAT', short: 'f', choices: FORMATS, doc: 'instead of that of the ending' },
    by: { value: 'LABEL', short: 'b', multiple: true, doc: 'put values of this label on top' },
    title: { value: 'TEXT', doc: 'the title; the inputs by default' },
    json: { doc: 'say what was written as JSON' },
  },
  examples: [
    'flamegraph profiles -o cpu.svg --by agent_name --by tool_name',
    'flamegraph heap.pb.gz --sample-index inuse_objects -o heap.html',
    'flamegraph http://localhost:6060 --seconds 5 -l agent_name=planner -o planner.svg',
    'flamegraph profiles -f folded -o - | grep parse',
  ],
  async run(args, terminal) {
    const output = args.text('output');
    if (output === undefined) throw new UsageError('-o FILE is missing; -o - is stdout');
    const format = (args.text('format') as Format | undefined) ?? formatOf(output);
    const profile = await readInput(args.positionals, args, terminal);
    const content = await contentOf(profile, format, args);
    await writeOutput(output, content, terminal);
    if (args.flag('json') && output !== '-') {
      const bytes = Buffer.byteLength(content);
      await terminal.print(`${JSON.stringify({ output, format, bytes })}\n`);
    }
    return EXIT.ok;
  },
};

function formatOf(output: string): Format {
  const endings: readonly (readonly [RegExp, Format])[] = [
    [/\.svg$/i, 'svg'],
    [/\.html?$/i, 'html'],
    [/\.(folded|txt)$/i, 'folded'],
    [/\.json$/i, 'speedscope'],
    [/\.(pb|pprof|prof)\.gz$/i, 'pprof'],
  ];
  const found = endings.find(([ending]) => ending.test(output));
  if (found !== undefined) return found[1];
  throw new UsageError(`the ending of ${output} says no format; use --format ${FORMATS.join('|')}`);
}

async function contentOf(
  profile: Profile,
  format: Format,
  args: Arguments,
): Promise<string | Uint8Array> {
  const column = columnFor(profile, args);
  const valueType = profile.sampleTypes[column]?.type ?? '';
  const groupBy = args.list('by');
  const title = args.text('title') ?? `${valueType} of ${args.positionals.join(', ')}`;
  switch (format) {
    case 'svg':
      return flamegraphSvg(profile, { title, valueType, groupBy });
    case 'html': {
      const { flamegraphPage } = await import('../../pages/flamegraph.ts');
      return flamegraphPage(profile, { title });
    }
    case 'folded':
      return folded(profile, { valueType, groupBy });
    case 'speedscope':
      return speedscope(profile, { title, groupBy });
    case 'pprof': {
      const { gzipSync } = await import('node:zlib');
      return gzipSync(encode(profile));
    }
  }
}
