import { join } from 'node:path';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { INPUT_OPTIONS } from '../input.ts';
import { readCosts } from '../read-costs.ts';
import { reportPage } from '../report-page.ts';
import { writeOutput } from '../write-output.ts';

const { label = { doc: '' } } = INPUT_OPTIONS;

export const report: Command = {
  usage: '[options] FOLDER|FILE...',
  description: `One HTML page over many windows, of all types at once: CPU by agent over time, what
each agent, tool and session cost, the hottest functions, a flame graph of each type.
The page stays under 3 MB, runs no script and asks no other host for anything.`,
  options: {
    label,
    output: { value: 'FILE', short: 'o', doc: 'where to; report.html in the folder by default' },
    title: { value: 'TEXT', doc: 'the title; the inputs by default' },
    json: { doc: 'say what was written as JSON' },
  },
  examples: [
    'report profiles',
    'report profiles -o today.html --title "Checkout, Monday"',
    'report profiles --label session_id=abc -o session.html',
  ],
  async run(args, terminal) {
    const [first] = args.positionals;
    if (first === undefined) throw new UsageError('a folder is missing');
    const { costs, unreadable, files } = await readCosts(args.positionals, args, terminal);
    const { isFolder } = await import('../input.ts');
    const output =
      args.text('output') ?? (isFolder(first) ? join(first, 'report.html') : 'report.html');
    const title = args.text('title') ?? `Profiles in ${args.positionals.join(', ')}`;
    const html = reportPage(costs, { title, unreadable });
    await writeOutput(output, html, terminal);
    for (const problem of unreadable) await terminal.say(`spanprof: not read: ${problem}`);
    if (output === '-') return EXIT.ok;
    const bytes = Buffer.byteLength(html);
    const text = args.flag('json')
      ? JSON.stringify({ output, bytes, files, unreadable: unreadable.length })
      : `${output}: ${files - unreadable.length} profiles`;
    await terminal.print(`${text}\n`);
    return EXIT.ok;
  },
};
