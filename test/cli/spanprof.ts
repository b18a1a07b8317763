/** Runs the built command, in pipes or in a pseudo-terminal. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { cleanEnvironment, root } from '../helpers/programs.ts';
import { requireTool } from '../helpers/tools.ts';

export const main: string = join(root, 'dist/cli/main.js');
const python = requireTool('python3');
export const hasPty: boolean = python !== undefined;

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  /** Before `dist/cli/main.js`. */
  readonly nodeArgs?: readonly string[];
  /** Called with each piece of stdout; may end the process or its pipe. */
  readonly onStdout?: (child: ReturnType<typeof spawn>) => void;
}

export interface CliResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** In pipes. Rejects only if it cannot be started or hangs. */
export function spanprof(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { cwd = root, env = {}, stdin, nodeArgs = [], onStdout } = options;
  return collect([process.execPath, ...nodeArgs, main, ...args], { cwd, env, stdin, onStdout });
}

export interface PtyResult {
  /** Everything on the screen's wire, with `\n` for `\r\n`. */
  readonly output: string;
  readonly code: number | null;
  readonly signal: string | null;
}

/** In a pseudo-terminal of 100 by 30. `steps` are pairs: once this was printed, type that. */
export async function spanprofInPty(
  args: readonly string[],
  options: CliOptions & { readonly steps?: readonly (readonly [string, string])[] } = {},
): Promise<PtyResult> {
  const { cwd = root, env = {}, steps = [], nodeArgs = [] } = options;
  const spec = {
    command: [process.execPath, ...nodeArgs, main, ...args],
    env: { ...cleanEnvironment(), TERM: 'xterm-256color', ...env },
    cwd,
    steps,
  };
  const result = await collect([python ?? 'python3', join(root, 'test/cli/terminal.py')], {
    cwd: root,
    env: {},
    stdin: JSON.stringify(spec),
  });
  if (result.code !== 0) throw new Error(`terminal.py failed: ${result.stderr}`);
  const { output, code, signal } = JSON.parse(result.stdout) as PtyResult;
  return { output: output.replaceAll('\r\n', '\n'), code, signal };
}

/** What a screen shows in the end: without colours and without progress that was taken away again. */
export function withoutColours(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  const settled = text.replaceAll(/(\r\u001b\[K[^\r\n]*)+\r\u001b\[K/g, '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return settled.replaceAll(/\u001b\[[\d;?]*[A-Za-z]/g, '');
}

function collect(
  [command = '', ...args]: readonly string[],
  options: {
    cwd: string;
    env: Readonly<Record<string, string>>;
    stdin: string | Uint8Array | undefined;
    onStdout?: CliOptions['onStdout'];
  },
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...cleanEnvironment(), ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), 55_000);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      options.onStdout?.(child);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    // A command that does not read its stdin closes it.
    child.stdin.on('error', () => {}).end(options.stdin ?? '');
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}
