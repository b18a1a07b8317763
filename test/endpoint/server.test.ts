/** The endpoint's own server: where it listens, when it does not, and what it costs to have. */
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { samplesOf } from '../helpers/profiles.ts';
import { registerFile, runProgram, withFolder } from '../helpers/programs.ts';
import { fetchProfile, freePort, startService, withService } from './service.ts';

test('samplers that are switched off run for a request, and nothing of it is exported', async () => {
  await withService(
    async ({ url, folder, stderr, end }) => {
      const state = async () => {
        const status = await (await fetch(`${url}/debug/status`)).json();
        const { cpu, heap } = status as Record<'cpu' | 'heap', { state: string }>;
        return [cpu.state, heap.state];
      };
      expect(await state()).toEqual(['off', 'off']);
      const cpu = await fetchProfile(`${url}/debug/pprof/profile?seconds=1`);
      expect(samplesOf(cpu).some(({ labels }) => labels['agent_name'] === 'writer_agent')).toBe(
        true,
      );
      const heap = await fetchProfile(`${url}/debug/pprof/heap?seconds=1`);
      expect(samplesOf(heap).some(({ stack }) => stack.includes('keepMemory'))).toBe(true);
      await expect.poll(state).toEqual(['off', 'off']);
      expect(stderr()).toBe('');
      expect(await end()).toBe(0);
      expect(readdirSync(folder)).toEqual([]);
    },
    { env: { SPANPROF_CPU: 'off', SPANPROF_HEAP: 'off' } },
  );
});

test('a Unix socket is its owner’s alone; one that was left behind is taken over', async () => {
  await withFolder(async (folder) => {
    const socket = join(folder, 'profiles.sock');
    const env = { SPANPROF_ENDPOINT_SOCKET: socket, SPANPROF_ENDPOINT_PORT: '' };
    const first = await startService({ args: ['idle'], env });
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    // No page reaches a socket, so any Host will do.
    expect(await overSocket(socket, 'whatever.example')).toBe(200);
    await first.discard();
    expect(existsSync(socket)).toBe(true);
    await withService(
      async ({ addresses, stderr }) => {
        expect(addresses).toEqual([socket]);
        expect(await overSocket(socket, 'localhost')).toBe(200);
        expect(stderr()).toBe('');
      },
      { args: ['idle'], env },
    );
  });
});

function overSocket(socketPath: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ socketPath, path: '/debug/status', headers: { Host: host } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    }).once('error', reject);
  });
}

test('a port and a file that are taken: a line for each, and the program runs', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const port = (taken.address() as AddressInfo).port;
  await withFolder(async (folder) => {
    const file = join(folder, 'not-a-socket');
    writeFileSync(file, '');
    const result = await runProgram('-e', {
      nodeArgs: ['--require', registerFile],
      args: ['setTimeout(() => console.log("the program"), 300)'],
      env: {
        SPANPROF_ENDPOINT_PORT: String(port),
        SPANPROF_ENDPOINT_SOCKET: file,
        SPANPROF_FILE_DIRECTORY: folder,
      },
    });
    expect(result).toMatchObject({ code: 0, stdout: 'the program\n' });
    expect(result.stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(
        `^spanprof: the HTTP endpoint cannot be served: .*EADDRINUSE.*:${port};`,
      ),
      expect.stringMatching(
        '^spanprof: the HTTP endpoint cannot be served: .*EADDRINUSE.*not-a-socket;',
      ),
    ]);
    // Whatever it is, it was not ours to remove.
    expect(statSync(file).isFile()).toBe(true);
  });
  taken.close();
});

test('the server keeps no process alive, not even with a client waiting', async () => {
  await withFolder(async (folder) => {
    const port = await freePort();
    const program = `
      const { get } = require('node:http');
      setTimeout(() => {
        get('http://127.0.0.1:${port}/debug/pprof/profile?seconds=60').on('error', () => {}).on('socket', (socket) => socket.unref());
        setTimeout(() => console.log('ended'), 200);
      }, 200);`;
    const result = await runProgram('-e', {
      nodeArgs: ['--require', registerFile],
      args: [program],
      timeoutMillis: 20_000,
      env: { SPANPROF_ENDPOINT_PORT: String(port), SPANPROF_FILE_DIRECTORY: folder },
    });
    expect(result).toMatchObject({ code: 0, stdout: 'ended\n', stderr: '' });
    expect(readdirSync(folder).length).toBe(4);
  });
});

test('without an endpoint nothing of it is loaded', async () => {
  await withFolder(async (folder) => {
    const result = await runProgram('-e', {
      nodeArgs: ['--require', registerFile],
      args: [
        'console.log(process.moduleLoadList.filter((name) => /^NativeModule (http|_http_server|inspector)$/.test(name)).join())',
      ],
      env: { SPANPROF_FILE_DIRECTORY: folder },
    });
    expect(result).toMatchObject({ code: 0, stdout: '\n', stderr: '' });
  });
});
