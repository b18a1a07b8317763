import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EncodedProfile } from '../../src/export/exporter.ts';
import { GcpOffline } from '../../src/export/gcp/offline.ts';
import type { GcpSettings } from '../../src/export/gcp/settings.ts';
import { milliseconds } from '../../src/units.ts';
import { withFolder } from '../helpers/programs.ts';
import { TunnelProxy } from './proxy.ts';
import { aborted, CloudProfiler, caFile, type Step, statusBody, until } from './server.ts';

let server: CloudProfiler;
let destination: GcpOffline | undefined;
const environment = { ...process.env };
const running = new AbortController().signal;

beforeEach(async () => {
  server = await new CloudProfiler().listen();
  Object.assign(process.env, server.environment);
});

afterEach(async () => {
  await destination?.close();
  await server.close();
  process.env = { ...environment };
});

function open(settings: Partial<GcpSettings> = {}): GcpOffline {
  destination = new GcpOffline({
    endpoint: server.endpoint,
    target: 'checkout',
    projectId: 'shop-1234',
    zone: 'europe-west1-b',
    version: undefined,
    profileTypes: [],
    filter: [],
    profileLabels: { team: 'search' },
    caFile,
    ...settings,
  });
  return destination;
}

const profile: EncodedProfile = {
  profileType: 'allocs',
  startMillis: milliseconds(1_000),
  endMillis: milliseconds(60_999),
  serviceName: 'checkout',
  processId: 1,
  threadId: undefined,
  pprof: gzipSync(Buffer.from('')),
};

test('a window is handed in as it is', async () => {
  expect(await open().send(profile, running)).toEqual({ kind: 'stored' });
  expect(server.violations).toEqual([]);
  expect(server.handedIn).toEqual([
    {
      name: undefined,
      profileType: 'HEAP_ALLOC',
      duration: '59.999s',
      labels: { team: 'search' },
      deployment: {
        projectId: 'shop-1234',
        target: 'checkout',
        labels: { language: 'nodejs', zone: 'europe-west1-b' },
      },
      pprof: profile.pprof,
      fields: ['deployment', 'duration', 'labels', 'profileBytes', 'profileType'],
    },
  ]);
});

describe('what became of an attempt', () => {
  const status = (code: number, name: string, delay?: string) => ({
    status: code,
    body: statusBody(code, name, 'because', delay),
  });

  test.each<[string, Step, object]>([
    [
      'content refused',
      status(400, 'INVALID_ARGUMENT'),
      { kind: 'rejected', reason: '400: because' },
    ],
    [
      'too large',
      { status: 413, body: '<b>Too Large</b>' },
      { kind: 'rejected', reason: '413: Too Large' },
    ],
    [
      'no right yet',
      status(403, 'PERMISSION_DENIED'),
      { kind: 'retry', reason: '403: because', isAnswer: true },
    ],
    ['API off', status(404, 'NOT_FOUND'), { kind: 'retry', reason: '404: because' }],
    ['a conflict', aborted(), { kind: 'rejected', reason: '409: action throttled' }],
    ['unavailable', status(503, 'UNAVAILABLE'), { kind: 'retry', reason: '503: because' }],
    [
      'a quota, with RetryInfo',
      status(429, 'RESOURCE_EXHAUSTED', '7.000000001s'),
      { kind: 'retry', reason: '429: because', afterMillis: 7_001 },
    ],
    [
      'unavailable, with Retry-After',
      { status: 503, headers: { 'retry-after': '30' } },
      { kind: 'retry', reason: '503: no reason given', afterMillis: 30_000 },
    ],
    ['a cut connection', 'reset', { kind: 'retry' }],
    ['a cut reply', 'resetMidReply', { kind: 'retry' }],
    [
      'a message for the terminal',
      { status: 400, body: statusBody(400, 'X', '\u001b[2Jgone\nfake line') },
      { kind: 'rejected', reason: '400: [2Jgone fake line' },
    ],
  ])('%s', async (_name, step, outcome) => {
    server.nextUploads.push(step);
    expect(await open().send(profile, running)).toMatchObject(outcome);
    expect(server.handedIn).toEqual([]);
  });

  test('nobody listens', async () => {
    const to = open({ endpoint: 'https://localhost:1' });
    expect(await to.send(profile, running)).toEqual({
      kind: 'retry',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('a certificate that nobody vouches for', async () => {
    const to = open({ caFile: undefined });
    expect(await to.send(profile, running)).toMatchObject({
      kind: 'retry',
      reason: expect.stringMatching(/certificate/),
    });
    expect(server.headers).toEqual([]);
  });

  test('aborted while the server takes its time', async () => {
    server.nextUploads.push('hang');
    const abort = new AbortController();
    const sending = open().send(profile, abort.signal);
    await until(() => server.held === 1, 'the request is held');
    abort.abort(new Error('the process ends'));
    expect(await sending).toEqual({ kind: 'retry', reason: 'the process ends' });
  });
});

test('certificates that could not be read are read again', async () => {
  await withFolder(async (folder) => {
    const late = join(folder, 'ca.pem');
    const to = open({ caFile: late });
    expect(await to.send(profile, running)).toMatchObject({
      kind: 'retry',
      reason: expect.stringContaining('ENOENT'),
    });
    copyFileSync(caFile, late);
    expect(await to.send(profile, running)).toEqual({ kind: 'stored' });
  });
});

describe('who we are', () => {
  test('what another service, project or place left is not sent by this one', async () => {
    const others: Partial<GcpSettings>[] = [
      {},
      { endpoint: 'https://localhost:1' },
      { target: 'cart' },
      { projectId: 'shop-5678' },
      { zone: 'europe-west1-c' },
      { version: '2' },
      { profileLabels: { team: 'ads' } },
    ];
    const keys: string[] = [];
    for (const other of others) {
      const to = open(other);
      keys.push(to.spoolKey);
      await to.close();
    }
    expect(new Set(keys).size).toBe(others.length);
    expect(open().spoolKey).toBe(keys[0]);
  });

  test('no metadata server, no project: nothing is sent', async () => {
    process.env['METADATA_SERVER_DETECTION'] = 'none';
    expect(await open({ projectId: undefined }).send(profile, running)).toEqual({
      kind: 'retry',
      reason: 'gcp.projectId is not set, and no metadata server names a project',
    });
  });

  test('a metadata server that says something else is not believed', async () => {
    server.metadata = { 'project/project-id': '<html>log in first</html>' };
    expect(await open({ projectId: undefined }).send(profile, running)).toMatchObject({
      kind: 'retry',
      reason: expect.stringContaining('no metadata server names a project'),
    });
  });

  test('a machine that knows its project but no zone', async () => {
    server.metadata = { 'project/project-id': 'meta-project' };
    const to = open({ projectId: undefined, zone: undefined });
    expect(await to.send(profile, running)).toEqual({ kind: 'stored' });
    expect(server.handedIn[0]?.deployment).toEqual({
      projectId: 'meta-project',
      target: 'checkout',
      labels: { language: 'nodejs' },
    });
  });

  test('a token is used until shortly before it ends, then renewed', async () => {
    server.tokenSeconds = 301; // renewed five minutes before the end
    const to = open();
    for (let i = 0; i < 3; i++) expect(await to.send(profile, running)).toEqual({ kind: 'stored' });
    expect(server.tokensGiven).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await to.send(profile, running)).toEqual({ kind: 'stored' });
    expect(server.tokensGiven).toBe(2);
  });

  test('a service account from a file, its tokens and profiles through a proxy', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    server.serviceAccountKey = publicKey;
    const proxy = await TunnelProxy.to(server.port);
    await withFolder(async (folder) => {
      const file = join(folder, 'account.json');
      const email = 'profiler@shop-1234.iam.gserviceaccount.com';
      writeFileSync(
        file,
        JSON.stringify({
          type: 'service_account',
          client_email: email,
          private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
        }),
      );
      process.env['GOOGLE_APPLICATION_CREDENTIALS'] = file;
      process.env['METADATA_SERVER_DETECTION'] = 'none';
      process.env['https_proxy'] = proxy.url;
      expect(await open().send(profile, running)).toEqual({ kind: 'stored' });
      expect(proxy.targets).toEqual(['oauth2.googleapis.com:443', new URL(server.endpoint).host]);
      expect(server.claims).toMatchObject([
        { iss: email, scope: 'https://www.googleapis.com/auth/monitoring.write' },
      ]);
      server.revokeTokens();
      expect(await open().send(profile, running)).toEqual({ kind: 'stored' });
      expect(server.tokensGiven).toBe(2);
    }).finally(() => proxy.close());
  });
});
