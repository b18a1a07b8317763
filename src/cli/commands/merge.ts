import { gzipSync } from 'node:zlib';
import { encode } from '../../profile/encode.ts';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { INPUT_OPTIONS, readInput } from '../input.ts';
import { writeOutput } from '../write-output.ts';

export const merge: Command = {
  usage: '[options] FILE|FOLDER|URL... -o FILE',
  description: `Adds profiles of one kind up to one, as a gzipped pprof file. Live heaps are states,
not sums: merging windows of one process counts what lived through both twice.`,
  options: {
    ...INPUT_OPTIONS,
    output: { value: 'FILE', short: 'o', doc: 'where to; - is stdout' },
    json: { doc: 'say what was written as JSON' },
  },
  examples: [
    'merge profiles/*-cpu.pb.gz -o day.pb.gz',
    'merge profiles --type wall -l agent_name=planner -o planner.pb.gz',
    'merge a.pb.gz b.pb.gz -o - | go tool pprof -top -',
  ],
  async run(args, terminal) {
    const output = args.text('output');
    if (output === undefined) throw new UsageError('-o FILE is missing; -o - is stdout');
    const profile = await readInput(args.positionals, args, terminal);
    const bytes = gzipSync(encode(profile));
    await writeOutput(output, bytes, terminal);
    if (args.flag('json') && output !== '-') {
      const samples = profile.samples.stack.length;
      await terminal.print(`${JSON.stringify({ output, bytes: bytes.length, samples })}\n`);
    }
    return EXIT.ok;
  },
};
