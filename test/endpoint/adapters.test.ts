/** What lies between servers and the endpoint: paths, sockets, and clients that leave or read slowly. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, get, type RequestListener, type Server } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { agent } from '../../src/agent.ts';
import { Endpoint } from '../../src/endpoint/endpoint.ts';
import { answerNode } from '../../src/endpoint/node-adapter.ts';
import { text } from '../../src/endpoint/respond.ts';
import { listen } from '../../src/endpoint/server.ts';
import { endpoint } from '../../src/handler.ts';
import { milliseconds } from '../../src/units.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serve(listener: RequestListener, at: string | number = 0): Promise<Server> {
  const server = createServer(listener);
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) =>
    typeof at === 'string' ? server.listen(at, resolve) : server.listen(at, '127.0.0.1', resolve),
  );
  return server;
}

const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

describe('a handler', () => {
  test('with an empty token or a prefix that is none is refused at once', () => {
    expect(() => endpoint({ token: '' })).toThrow(new TypeError('endpoint: token is empty'));
    for (const prefix of ['internal', '/internal/', '/']) {
      expect(() => endpoint({ prefix })).toThrow(TypeError);
    }
  });

  test.each([
    [undefined, '/debug/status', true],
    [undefined, '/debug/pprof?x=/debug/pprof', true],
    [undefined, '/x/debug/pprof/heap', false],
    [undefined, '//debug/pprof/heap', false],
    ['/internal', '/internal/debug/status', true],
    ['/internal', '/debug/status', false],
    ['/internal', '/x/internal/debug/status', false],
  ])('with prefix %j serves %s: %j', async (prefix, path, isOurs) => {
    const handler = endpoint({ prefix });
    const withNext = await serve((request, response) =>
      handler(request, response, () => response.end('the application')),
    );
    const alone = await serve(handler);
    const [passed, refused] = await Promise.all([
      fetch(`http://127.0.0.1:${portOf(withNext)}${path}`, { redirect: 'manual' }),
      fetch(`http://127.0.0.1:${portOf(alone)}${path}`, { redirect: 'manual' }),
    ]);
    expect((await passed.text()) === 'the application').toBe(!isOurs);
    expect(refused.status === 404).toBe(!isOurs);
  });

  test('checks Host on the application’s Unix socket too: a proxy may stand before it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spanprof-adapters-'));
    closing.push(() => rmSync(folder, { recursive: true }));
    const socketPath = join(folder, 'application.sock');
    await serve(endpoint(), socketPath);
    const statusFor = (host: string) =>
      new Promise((resolve, reject) => {
        const headers = { Host: host };
        get({ socketPath, path: '/debug/status', headers }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode));
        }).once('error', reject);
      });
    expect(await statusFor('evil.example')).toBe(403);
    expect(await statusFor('localhost')).toBe(200);
  });

  test('takes the host of HTTP/2', async () => {
    const handler = endpoint();
    const server = createHttp2Server((request, response) => {
      // Their types differ; what the handler uses of them is the same.
      Reflect.apply(handler, undefined, [request, response]);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const session = connectHttp2(`http://127.0.0.1:${portOf(server)}`);
    closing.push(() => {
      session.destroy();
      server.close();
    });
    const statusFor = (authority: string) =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':path': '/debug/status', ':authority': authority });
        stream.once('response', (headers) => resolve(headers[':status']));
        stream.once('error', reject);
        stream.resume();
      });
    expect(await statusFor('127.0.0.1')).toBe(200);
    expect(await statusFor('evil.example')).toBe(403);
  });

  test('does not throw where the application has answered already', async () => {
    const handler = endpoint();
    let rejected: unknown;
    const note = (reason: unknown) => {
      rejected = reason;
    };
    process.on('unhandledRejection', note);
    closing.push(() => process.off('unhandledRejection', note));
    const server = await serve((request, response) => {
      response.flushHeaders();
      handler(request, response);
    });
    const url = `http://127.0.0.1:${portOf(server)}/debug/status`;
    const asked = fetch(url, { method: 'POST', body: 'x' }).then((answer) => answer.text());
    await expect(asked).rejects.toThrow();
    expect(rejected).toBeUndefined();
  });

  test('answers a Request whose client has left, and does not reject', async () => {
    const leaving = new AbortController();
    const url = 'http://localhost/debug/pprof/profile?seconds=60';
    const answer = endpoint().fetch(new Request(url, { signal: leaving.signal }));
    setTimeout(() => leaving.abort(), 50);
    expect((await answer).status).toBe(499);
  });
});

describe('a client that', () => {
  const MIB = 1024 * 1024;
  /** More than the kernel's buffers hold. */
  const large = text(200, 'x'.repeat(48 * MIB));
  const options = { writeTimeoutMillis: milliseconds(1_500) };

  test('reads slowly gets all of it; one that takes nothing is cut', async () => {
    const handle = async () => large;
    const closed = new Set<string | undefined>();
    const server = await serve((request, response) => {
      response.once('close', () => closed.add(request.url));
      void answerNode({ handle }, request, response, options);
    });
    const ask = (path: string) => {
      const socket = connect(portOf(server), '127.0.0.1').pause();
      socket.on('error', () => {}).write(`GET ${path} HTTP/1.0\r\n\r\n`);
      closing.push(() => socket.destroy());
      const client = { socket, received: 0, ended: once(socket, 'close') };
      socket.on('data', ({ length }) => {
        client.received += length;
      });
      return client;
    };
    const silent = ask('/silent');
    const slow = ask('/slow');
    const begin = performance.now();
    slow.socket.on('data', () => {
      slow.socket.pause();
      // For twice the time that one without progress may take.
      const dueMillis = (slow.received / (48 * MIB)) * 3_000;
      setTimeout(() => slow.socket.resume(), dueMillis - (performance.now() - begin));
    });
    slow.socket.resume();
    await slow.ended;
    expect(slow.received).toBeGreaterThan(48 * MIB);
    await expect.poll(() => closed, { timeout: 10_000 }).toContain('/silent');
    silent.socket.resume();
    await silent.ended;
    expect(silent.received).toBeLessThan(48 * MIB);
  });

  test('asks the application next on the same connection has its time-out, not ours', async () => {
    const handle = async () => text(200, 'ours');
    const timeouts: unknown[] = [];
    const server = await serve((request, response) => {
      timeouts.push(request.socket.timeout);
      if (request.url === '/ours') void answerNode({ handle }, request, response, options);
      else response.end('the application');
    });
    server.keepAliveTimeout = 0;
    const socket = connect(portOf(server), '127.0.0.1');
    closing.push(() => socket.destroy());
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.write('GET /ours HTTP/1.1\r\nHost: x\r\n\r\n');
    await expect.poll(() => answer).toContain('ours\n');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await expect.poll(() => answer).toContain('the application');
    expect(timeouts).toEqual([timeouts[0], timeouts[0] ?? 0]);
  });
});

test('a socket whose rights cannot be set is closed again', async () => {
  // A name in Linux's abstract namespace is no file.
  const socket = `\0spanprof-test-${process.pid}`;
  await expect(listen(new Endpoint(agent.endpointSource), { socket })).rejects.toThrow();
  const refused = new Promise((resolve) => {
    connect(socket)
      .once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
      .once('connect', () => resolve('connected'));
  });
  expect(await refused).toBe('ECONNREFUSED');
});
