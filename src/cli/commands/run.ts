import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageFile } from '../../package-files.ts';
import type { Arguments } from '../arguments.ts';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { reasonOf } from '../input-errors.ts';
import { summarize } from '../run-summary.ts';
import { printable } from '../terminal.ts';

/** An hour: longer windows hold more than a process should keep in memory. */
const MAX_WINDOW_SECONDS = 3_600;
const MAX_FREQUENCY_HERTZ = 1_000;
const DEFAULT_LIMIT = 10;

export const run: Command = {
  usage: '[options] [--] app.js [arguments of the program]',
  description: `Runs a Node.js program under the profiler, in a process of its own with our stdin,
stdout and stderr. At its end a summary goes to stderr: which agents, tools and
functions cost what, and where the profiles are. Ends with the program's exit
code, or by the signal that ended it.`,
  stopsAtArgument: true,
  options: {
    directory: {
      value: 'FOLDER',
      short: 'd',
      doc: 'where profiles go; a new folder in ./profiles by default',
    },
    window: { value: 'SECONDS', doc: 'length of a profile; SPANPROF_WINDOW_SECONDS' },
    frequency: { value: 'HERTZ', doc: 'samples a second; SPANPROF_CPU_FREQUENCY_HERTZ' },
    name: { value: 'NAME', doc: 'what the service is called; SPANPROF_SERVICE_NAME' },
    node: {
      value: 'ARGUMENT',
      multiple: true,
      doc: 'for node itself: --node=--enable-source-maps',
    },
    limit: {
      value: 'N',
      short: 'n',
      doc: `how many lines a table has; ${DEFAULT_LIMIT} by default`,
    },
    report: { doc: 'also write report.html beside the profiles' },
    json: { doc: 'the summary as JSON' },
    output: { value: 'FILE', short: 'o', doc: 'the summary to this file instead of stderr' },
    quiet: { short: 'q', doc: 'no summary' },
  },
  examples: [
    'run app.js --port 8080',
    'run --window 10 --report server.js',
    'run --json -o costs.json -- batch.mjs input.csv',
  ],
  async run(args, terminal) {
    const [file, ...programArgs] = args.positionals;
    if (file === undefined) throw new UsageError('the program to run is missing');
    const limit = args.wholeNumber('limit', { min: 1, max: 1_000 }) ?? DEFAULT_LIMIT;
    const directory = resolve(args.text('directory') ?? join('profiles', nameOfRun(new Date())));
    const env = { ...process.env, ...settingsFor(directory, args) };
    if (!args.flag('quiet'))
      await terminal.announce(
        `profiling ${file} into ${relative(process.cwd(), directory) || '.'}`,
      );
    const began = performance.now();
    const nodeArgs = [...args.list('node'), '--require', REGISTER, file, ...programArgs];
    const ended = await finished(nodeArgs, env);
    const wallSeconds = (performance.now() - began) / 1_000;
    if (!args.flag('quiet')) {
      const how = ended.signal ?? `code ${ended.code}`;
      try {
        await summarize({ program: file, how, wallSeconds, directory, limit }, args, terminal);
      } catch (error) {
        // The exit code stays the program's.
        await terminal.say(`spanprof: ${printable(reasonOf(error))}`);
      }
    }
    return endLike(ended);
  },
};

const REGISTER = fileURLToPath(packageFile('dist/register.cjs'));

/** `run-20261121T115500Z-4242`: sorts by time, and two at once do not meet. */
function nameOfRun(now: Date): string {
  return `run-${now.toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '')}-${process.pid}`;
}

function settingsFor(directory: string, args: Arguments): Record<string, string> {
  const window = args.wholeNumber('window', { min: 1, max: MAX_WINDOW_SECONDS });
  const frequency = args.wholeNumber('frequency', { min: 1, max: MAX_FREQUENCY_HERTZ });
  const name = args.text('name');
  return {
    SPANPROF_ENABLED: 'true',
    SPANPROF_FILE_DIRECTORY: directory,
    ...(window === undefined ? {} : { SPANPROF_WINDOW_SECONDS: String(window) }),
    ...(frequency === undefined ? {} : { SPANPROF_CPU_FREQUENCY_HERTZ: String(frequency) }),
    ...(name === undefined ? {} : { SPANPROF_SERVICE_NAME: name }),
  };
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Sent to us alone, so the program would not hear of them. */
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const;
/** A terminal sends these to all its processes: passing them on would make two of one. */
const FROM_KEYBOARD = ['SIGINT', 'SIGQUIT'] as const;

/** Runs node to its end; signals that come meanwhile are the program's business. */
function finished(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  return new Promise((resolvePromise, reject) => {
    const child = spawn(process.execPath, args, { stdio: 'inherit', env });
    const atTerminal = process.stdin.isTTY === true || process.stderr.isTTY === true;
    const listeners = new Map<NodeJS.Signals, () => void>();
    for (const signal of FORWARDED) listeners.set(signal, () => void child.kill(signal));
    for (const signal of FROM_KEYBOARD) {
      listeners.set(signal, () => void (atTerminal || child.kill(signal)));
    }
    for (const [signal, listener] of listeners) process.on(signal, listener);
    const leave = (): void => {
      // From here on Ctrl-C means us.
      for (const [signal, listener] of listeners) process.off(signal, listener);
    };
    child.once('error', (error) => {
      leave();
      reject(new Error(`the program cannot be started: ${reasonOf(error)}`, { cause: error }));
    });
    child.once('close', (code, signal) => {
      leave();
      resolvePromise({ code, signal });
    });
  });
}

/** The program's exit code; if a signal ended it, the same signal ends us. */
function endLike({ code, signal }: Ended): number {
  if (signal === null) return code ?? EXIT.failed;
  process.kill(process.pid, signal);
  // A signal that does not end us, such as SIGPIPE, which Node ignores: as shells write it.
  return 128 + (constants.signals[signal] ?? 0);
}
