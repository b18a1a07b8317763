/** Starts a program with an endpoint in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decode } from '../../src/profile/decode.ts';
import type { Profile } from '../../src/profile/model.ts';
import { cleanEnvironment, programs, root } from '../helpers/programs.ts';

export interface Service {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** All it listens at. */
  readonly addresses: string[];
  /** Where its continuous profiles go. */
  readonly folder: string;
  readonly processId: number;
  /** What it has written to stdout after its first line, and to stderr. */
  stdout(): string;
  stderr(): string;
  isRunning(): boolean;
  /** Writes a line to its stdin; the line of JSON that it answers. */
  ask(line: string): Promise<unknown[]>;
  /** Lets it end by itself; its exit code. */
  end(): Promise<number | null>;
  /** Kills it if it still runs, and removes its folder. */
  discard(): Promise<void>;
}

export interface ServiceOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** In test/programs/endpoint/. */
  readonly program?: string;
  readonly args?: readonly string[];
  readonly node?: string;
}

export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), 'spanprof-endpoint-'));
  const file = join(programs, 'endpoint', options.program ?? 'agents.mjs');
  const child = spawn(options.node ?? process.execPath, [file, ...(options.args ?? [])], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...cleanEnvironment(),
      SPANPROF_ENDPOINT_PORT: '0',
      SPANPROF_FILE_DIRECTORY: folder,
      ...options.env,
    },
  });
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  const closed = once(child, 'close');
  const discard = async () => {
    child.kill('SIGKILL');
    await closed;
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await firstLine(child, () => stdout);
    const addresses = JSON.parse(stdout.slice(0, stdout.indexOf('\n'))) as string[];
    return {
      url: addresses[0] ?? '',
      addresses,
      folder,
      processId: child.pid ?? 0,
      stdout: () => stdout.slice(stdout.indexOf('\n') + 1),
      stderr: () => stderr,
      isRunning: () => child.exitCode === null && child.signalCode === null,
      ask: async (line) => {
        const before = stdout.length;
        child.stdin.write(`${line}\n`);
        while (!stdout.slice(before).includes('\n')) await sleep(5);
        return JSON.parse(stdout.slice(before)) as unknown[];
      },
      end: async () => {
        child.stdin.end();
        await closed;
        return child.exitCode;
      },
      discard,
    };
  } catch (error) {
    await discard();
    throw new Error(`the service did not listen\n${stdout}\n${stderr}`, { cause: error });
  }
}

export async function withService(
  use: (service: Service) => Promise<void>,
  options: ServiceOptions = {},
): Promise<void> {
  const service = await startService(options);
  try {
    await use(service);
  } finally {
    await service.discard();
  }
}

function firstLine(child: ChildProcess, stdout: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('close', () => reject(new Error('it ended')));
    child.stdout?.on('data', () => {
      if (stdout().includes('\n')) resolve();
    });
  });
}

export async function fetchProfile(url: string): Promise<Profile> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return decode(new Uint8Array(await response.arrayBuffer()));
}

/** Free a moment ago; another process may take it meanwhile. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
