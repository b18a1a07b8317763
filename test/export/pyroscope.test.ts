/** How the Pyroscope destination talks: credentials, addresses, proxies, certificates, labels. */
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import {
  PyroscopeDestination,
  type PyroscopeOptions,
} from '../../src/export/pyroscope/pyroscope.ts';
import { profileFromText, samplesOf } from '../helpers/profile-from-text.ts';
import { caFile, Receiver, until } from '../helpers/receiver.ts';
import { encoded } from '../pyroscope/profiles.ts';
import { windowOf } from './windows.ts';

let server: Receiver;
beforeEach(async () => {
  server = await new Receiver().up();
});
afterEach(() => server.down());

/** A connection, in the list of what keeps the process alive. */
const SOCKET = 'TCPSocketWrap';

async function send(options: Partial<PyroscopeOptions>, window = windowOf(1)) {
  const destination = new PyroscopeDestination({ endpoint: server.url, ...options });
  try {
    return await destination.send(window, AbortSignal.timeout(10_000));
  } finally {
    await destination.close();
  }
}

describe('headers', () => {
  test.each([
    ['a token', { token: 'secret' }, { authorization: 'Bearer secret' }],
    [
      'a user',
      { user: 'me', password: 'pä:ss' },
      { authorization: `Basic ${Buffer.from('me:pä:ss').toString('base64')}` },
    ],
    ['a tenant', { tenant: 'team-a' }, { 'x-scope-orgid': 'team-a' }],
    ['others', { headers: { 'x-team': 'search' } }, { 'x-team': 'search' }],
    ['nothing', {}, { 'content-type': 'application/proto', 'user-agent': 'spanprof' }],
  ])('%s', async (_, options, expected) => {
    expect(await send(options)).toEqual({ kind: 'stored' });
    expect(server.stored[0]?.headers).toMatchObject(expected);
    if (!('authorization' in expected))
      expect(server.stored[0]?.headers.authorization).toBeUndefined();
  });

  test('one that cannot be sent is a reason like any other', async () => {
    expect(await send({ headers: { 'x-team': 'a\nb' } })).toMatchObject({ kind: 'retry' });
  });
});

test('a path in the address stays', async () => {
  expect(await send({ endpoint: `${server.url}/behind/a/prefix/` })).toEqual({ kind: 'stored' });
  expect(server.pushes[0]?.url).toBe('/behind/a/prefix/push.v1.PusherService/Push');
});

test('/ingest: the name holds the labels, and nothing in them ends it early', async () => {
  const outcome = await send({ protocol: 'ingest', labels: { region: 'e}u,x=y{', 'a.b': 7 } });
  expect(outcome).toEqual({ kind: 'stored' });
  const query = new URL(server.pushes[0]?.url ?? '', server.url).searchParams;
  expect(Object.fromEntries(query)).toMatchObject({
    name: 'checkout{region=e_u_x_y_,a_b=7}',
    format: 'pprof',
    spyName: 'nodespy',
  });
  expect(server.stored[0]?.profile.sampleTypes.map(({ type }) => type)).toEqual(['samples', 'cpu']);
});

test('TLS with an authority of its own; without it, a reason', async () => {
  const secure = await new Receiver(true).up();
  try {
    expect(await send({ endpoint: secure.url, caFile })).toEqual({ kind: 'stored' });
    const refused = await send({ endpoint: secure.url });
    expect(refused).toMatchObject({
      kind: 'retry',
      reason: expect.stringMatching(/UNABLE_TO_VERIFY|unable to verify/i),
    });
    const missing = await send({ endpoint: secure.url, caFile: '/no/such/file.pem' });
    expect(missing).toMatchObject({ kind: 'retry', reason: expect.stringContaining('ENOENT') });
  } finally {
    await secure.down();
  }
});

test('a name that does not resolve is a reason', async () => {
  const outcome = await send({ endpoint: 'http://no-such-host.invalid:4040' });
  expect(outcome).toMatchObject({
    kind: 'retry',
    reason: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/),
  });
});

describe('a proxy', () => {
  let proxy: http.Server;
  let tunnels: string[] = [];
  beforeEach(async () => {
    tunnels = [];
    proxy = http.createServer().listen(0, '127.0.0.1');
    proxy.on('connect', (request, client, head) => {
      tunnels.push(request.url ?? '');
      const { hostname, port } = new URL(`http://${request.url}`);
      const upstream = net.connect(Number(port), hostname, () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.write(head);
        upstream.pipe(client).pipe(upstream);
      });
      upstream.on('error', () => client.destroy());
      client.on('error', () => upstream.destroy());
    });
    await once(proxy, 'listening');
  });
  afterEach(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = () => `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

  test('named by the option', async () => {
    expect(await send({ proxy: address() })).toEqual({ kind: 'stored' });
    expect(tunnels).toEqual([server.url.replace('http://', '')]);
  });

  test.each([
    ['that does not answer', false],
    ['before a server that does not', true],
  ])('%s keeps no process alive', async (_, isTunnel) => {
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === SOCKET).length;
    await until(() => sockets() === 0); // of the proxy before
    const silent = http.createServer().listen(0, '127.0.0.1');
    silent.on('connection', (socket) => socket.unref());
    const isAsked = new Promise<void>((resolve) => {
      silent.on('connect', (_request, client) => {
        if (isTunnel) client.on('data', () => resolve()).write('HTTP/1.1 200 OK\r\n\r\n');
        else resolve();
      });
    });
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const proxied = { endpoint: 'http://server.invalid', proxy: `http://127.0.0.1:${port}` };
    const destination = new PyroscopeDestination(proxied);
    const sending = destination.send(windowOf(1), AbortSignal.timeout(10_000));
    try {
      await isAsked;
      expect(sockets()).toBe(0);
    } finally {
      await destination.close();
      silent.closeAllConnections();
      silent.close();
    }
    expect(await sending).toMatchObject({ kind: 'retry' });
  });

  test('named by the environment, with exceptions', async () => {
    const before = { ...process.env };
    try {
      process.env['HTTP_PROXY'] = address();
      process.env['NO_PROXY'] = '';
      expect(await send({})).toEqual({ kind: 'stored' });
      expect(tunnels).toHaveLength(1);
      process.env['NO_PROXY'] = '127.0.0.1';
      expect(await send({})).toEqual({ kind: 'stored' });
      expect(tunnels).toHaveLength(1);
    } finally {
      process.env = before;
    }
  });
});

describe('sample labels', () => {
  const window = encoded(
    'checkout',
    profileFromText(
      `
      stack            main                                       main                       main
                       plan                                       act                        idle
      samples/count    1                                          1                          1
      cpu/nanoseconds  10                                         20                         30
      labels           agent_name=planner                         agent_name=planner         -
                       session_id=s1                              span_id=00000000000000aa
                       span_id=00000000000000aa                   root_span_id=not-hex
                       root_span_id=00000000000000bb              gen_ai.tool=search
                       trace_id=0123456789abcdef0123456789abcdef
                       step=7
      `,
      { profileType: 'cpu', timeNanos: BigInt(Date.now() - 1_000) * 1_000_000n, durationNanos: 1n },
    ),
  );
  const seriesLabels = ['agent_name', 'gen_ai.tool'];

  test('only those that are allowed, under names that every version takes', async () => {
    await send({ seriesLabels }, window);
    expect(samplesOf(server.stored[0]?.profile ?? never())).toEqual([
      'main;act | agent_name=planner gen_ai_tool=search span_id=00000000000000aa | 1 20',
      'main;idle | - | 1 30',
      'main;plan | agent_name=planner span_id=00000000000000bb | 1 10',
    ]);
  });

  test('the active span instead of the root', async () => {
    await send({ seriesLabels, spanLabel: 'active' }, window);
    const [first, , last] = samplesOf(server.stored[0]?.profile ?? never());
    expect(`${first} ${last}`).not.toContain('00000000000000bb');
  });

  test.each([
    ['1.12.0', false],
    ['2.0.3', false],
    ['2.1.0', true],
    ['v3.0.0-rc1', true],
    [undefined, false],
    ['', false],
  ])('trace ids go to version %s: %s', async (version, isSent) => {
    server.version = version;
    await send({ seriesLabels }, window);
    const text = samplesOf(server.stored[0]?.profile ?? never()).join('\n');
    expect(text.includes('0123456789abcdef0123456789abcdef')).toBe(isSent);
  });
});

test('what is no profile is refused before it is sent', async () => {
  const outcome = await send({}, { ...windowOf(1), pprof: Buffer.from('not gzip') });
  expect(outcome).toMatchObject({
    kind: 'rejected',
    reason: expect.stringContaining('not a usable profile'),
  });
  expect(server.pushes).toEqual([]);
});

test("the peers' variables configure it", () => {
  const env = {
    PYROSCOPE_SERVER_ADDRESS: 'http://pyroscope:4040/',
    PYROSCOPE_APPLICATION_NAME: 'shop',
    PYROSCOPE_AUTH_TOKEN: 't',
    PYROSCOPE_BASIC_AUTH_USER: 'u',
    PYROSCOPE_BASIC_AUTH_PASSWORD: 'p',
    PYROSCOPE_TENANT_ID: 'team',
  };
  const { config, problems } = loadConfig({ env, cwd: '/' });
  expect(problems).toEqual([]);
  expect(config).toMatchObject({
    serviceName: 'shop',
    exporters: ['pyroscope'],
    pyroscope: {
      endpoint: 'http://pyroscope:4040',
      token: 't',
      user: 'u',
      password: 'p',
      tenant: 'team',
    },
  });
});

function never(): never {
  throw new Error('nothing was stored');
}
