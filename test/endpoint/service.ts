/** Starts a program with an endpoint in a process of its own, for as long as `use` takes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { decode } from '../../src/profile/decode.ts';
import type { Profile } from '../../src/profile/model.ts';
import { cleanEnvironment, programs, root, withFolder } from '../helpers/programs.ts';

export interface Service {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Where its continuous profiles go. */
  readonly folder: string;
  readonly process: ChildProcess;
  /** What it has written to stderr. */
  stderr(): string;
  /** Ends it as its user would and waits for it. */
  end(): Promise<number | null>;
}

export interface ServiceOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly program?: string;
  readonly args?: readonly string[];
}

export async function withService(
  use: (service: Service) => Promise<void>,
  options: ServiceOptions = {},
): Promise<void> {
  await withFolder(async (folder) => {
    const file = join(programs, 'endpoint', options.program ?? 'agents.mjs');
    const child = spawn(process.execPath, [file, ...(options.args ?? [])], {
      cwd: root,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...cleanEnvironment(),
        SPANPROF_ENDPOINT_PORT: '0',
        SPANPROF_FILE_DIRECTORY: folder,
        ...options.env,
      },
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    const closed = once(child, 'close');
    try {
      const addresses = JSON.parse(await firstLine(child, () => stderr)) as string[];
      await use({
        url: addresses[0] ?? '',
        folder,
        process: child,
        stderr: () => stderr,
        end: async () => {
          child.stdin.end();
          await closed;
          return child.exitCode;
        },
      });
    } finally {
      child.kill('SIGKILL');
      await closed;
    }
  });
}

async function firstLine(child: ChildProcess, stderr: () => string): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout
    ?.setEncoding('utf8')
    .iterator({ destroyOnReturn: false }) ?? []) {
    text += chunk;
    const end = text.indexOf('\n');
    if (end >= 0) return text.slice(0, end);
  }
  throw new Error(`the service ended before it listened\n${stderr()}`);
}

export async function fetchProfile(url: string): Promise<Profile> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return decode(new Uint8Array(await response.arrayBuffer()));
}
