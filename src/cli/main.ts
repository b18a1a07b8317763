#!/usr/bin/env node
/**
 * The command `spanprof`. Only what every call needs is read here; a command's own module comes when
 * it is asked for.
 */
import { didYouMean, parseArguments, shown } from './arguments.ts';
import { COMMANDS } from './commands.ts';
import { EXIT, UsageError } from './exit.ts';
import { printable, Terminal } from './terminal.ts';

async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...args] = argv;
  try {
    return await dispatch(name, args, terminal);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await terminal.say(`${terminal.styledError('red', 'spanprof:')} ${printable(reason)}`);
    if (!(error instanceof UsageError)) return EXIT.failed;
    const known = name !== undefined && name in COMMANDS;
    await terminal.say(`Try: spanprof ${known ? `${name} ` : ''}--help`);
    return EXIT.usage;
  }
}

async function dispatch(
  name: string | undefined,
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  if (name === undefined) throw new UsageError('a command is missing');
  if (name === '--version' || name === '-v') {
    const { VERSION } = await import('../version.ts');
    await terminal.print(`${VERSION}\n`);
    return EXIT.ok;
  }
  if (name === '--help' || name === '-h' || name === 'help') return help(args[0], terminal);
  const command = await entryOf(name).load();
  const specs = { ...command.options, help: { short: 'h', doc: 'this text' } };
  const parsed = parseArguments(args, specs, command.stopsAtArgument);
  return parsed.flag('help') ? help(name, terminal) : command.run(parsed, terminal);
}

function entryOf(name: string) {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry !== undefined) return entry;
  const what = name.startsWith('-') ? 'option' : 'command';
  throw new UsageError(
    `unknown ${what} ${shown(name)}${didYouMean(name.replace(/^-+/, ''), Object.keys(COMMANDS))}`,
  );
}

async function help(name: string | undefined, terminal: Terminal): Promise<number> {
  const { commandHelp, generalHelp } = await import('./help.ts');
  const text =
    name === undefined
      ? generalHelp(COMMANDS, terminal)
      : commandHelp(name, await entryOf(name).load(), terminal);
  await terminal.print(text);
  return EXIT.ok;
}

const { stdout, stderr, env } = process;
stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `spanprof top … | head -1`: nobody wants the rest. Other programs die of SIGPIPE here.
  process.exit(error.code === 'EPIPE' ? EXIT.brokenPipe : EXIT.failed);
});
// There is nobody left to tell.
stderr.on('error', () => {});

process.exitCode = await main(process.argv.slice(2), new Terminal({ stdout, stderr, env }));
