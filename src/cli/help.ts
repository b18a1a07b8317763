import type { OptionSpec } from './arguments.ts';
import type { Command } from './command.ts';
import type { CommandEntry } from './commands.ts';
import type { Terminal } from './terminal.ts';

const WRAP = 80;

/** What `spanprof --help` prints. */
export function generalHelp(
  commands: Readonly<Record<string, CommandEntry>>,
  terminal: Terminal,
): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(
    ([name, { summary }]) => `  ${terminal.styled('bold', name.padEnd(width))}  ${summary}`,
  );
  return `spanprof: profiles of Node.js programs that know agents, tools and sessions

Usage: spanprof COMMAND [options] [arguments]

${lines.join('\n')}

  spanprof COMMAND --help    options and examples of a command
  spanprof --version         the version

Exit codes: 0 done; 1 a file, a URL or a profile was not what it should be; 2 the
command line is wrong; 130 ended by Ctrl-C; 141 the reader of the output went away.
\`run\` ends as its program does.
`;
}

/** What `spanprof COMMAND --help` prints. */
export function commandHelp(name: string, command: Command, terminal: Terminal): string {
  const heads = Object.entries(command.options).map(([option, spec]) => headOf(option, spec));
  const width = Math.max(...heads.map((head) => head.length));
  const options = Object.values(command.options).map((spec, index) => {
    const doc = wrapped(docOf(spec), WRAP - width - 4).join(`\n${' '.repeat(width + 4)}`);
    return `  ${(heads[index] ?? '').padEnd(width)}  ${doc}`;
  });
  const examples = command.examples.map((example) => `  spanprof ${example}`);
  const title = (text: string): string => terminal.styled('bold', text);
  return `Usage: spanprof ${name} ${command.usage}

${command.description}

${title('Options')}
${options.join('\n')}

${title('Examples')}
${examples.join('\n')}
`;
}

function headOf(option: string, { value, short }: OptionSpec): string {
  const head = `${short === undefined ? '   ' : `-${short},`} --${option}`;
  return value === undefined ? head : `${head} ${value}`;
}

function docOf({ doc, choices, multiple }: OptionSpec): string {
  const among = choices === undefined ? '' : `: ${choices.join(', ')}`;
  return `${doc}${among}${multiple ? '; may be repeated' : ''}`;
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
