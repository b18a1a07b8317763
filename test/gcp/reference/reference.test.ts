/**
 * Google's own profiler and ours against the same server: what theirs gets along with is faithful,
 * and what ours sends looks like what theirs sends.
 */
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { decode } from '../../../src/profile/decode.ts';
import { cleanEnvironment, programs, root } from '../../helpers/programs.ts';
import { aborted, CloudProfiler, caFile, statusBody, until } from '../server.ts';

interface Client {
  readonly name: string;
  start(server: CloudProfiler): () => void;
}

/** Runs a program that never ends; gives the function that kills it. */
function run(file: string, args: readonly string[], env: Record<string, string>): () => void {
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return () => child.kill('SIGKILL');
}

const clients: readonly Client[] = [
  {
    name: 'Google',
    start: (server) =>
      run(join(import.meta.dirname, 'app.cjs'), [new URL(server.endpoint).host], {
        ...server.environment,
        NODE_EXTRA_CA_CERTS: caFile,
      }),
  },
  {
    name: 'spanprof',
    start: (server) =>
      run(join(programs, 'gcp/agents.mjs'), [join(root, 'dist/index.js'), '1000'], {
        ...server.environment,
        NODE_EXTRA_CA_CERTS: caFile,
        SPANPROF_SERVICE_NAME: 'checkout',
        SPANPROF_GCP_SERVICE_VERSION: 'v1',
        SPANPROF_EXPORTERS: 'gcp',
        SPANPROF_GCP_ENDPOINT: server.endpoint,
      }),
  },
];

let server: CloudProfiler;
let stop: (() => void) | undefined;

beforeAll(() => {
  execFileSync(process.execPath, [join(import.meta.dirname, 'install.mjs')], { stdio: 'inherit' });
});

beforeEach(async () => {
  server = await new CloudProfiler().listen();
});

afterEach(async () => {
  stop?.();
  stop = undefined;
  await server.close();
});

describe.each(clients)('$name', (client) => {
  test('waits as asked, collects wall and heap, hands both in', async () => {
    server.next.push(aborted('2.500s'), { want: 'WALL', duration: '0.5s' }, { want: 'HEAP' });
    stop = client.start(server);
    await until(() => server.handedIn.length === 2, 'two profiles');
    expect(server.violations).toEqual([]);
    const [first, second] = server.created;
    expect((second?.atMillis ?? 0) - (first?.atMillis ?? 0)).toBeGreaterThanOrEqual(2_490);
    expect(first?.profileType).toEqual(expect.arrayContaining(['WALL', 'HEAP']));
    expect(first?.deployment).toEqual({
      projectId: 'meta-project',
      target: 'checkout',
      labels: { language: 'nodejs', zone: 'us-central1-a', version: 'v1' },
    });
    const [wall, heap] = server.handedIn;
    const fields = ['deployment', 'duration', 'labels', 'name', 'profileBytes', 'profileType'];
    for (const { profile, type } of [
      { profile: wall, type: 'WALL' },
      { profile: heap, type: 'HEAP' },
    ]) {
      expect(profile).toMatchObject({ profileType: type, labels: { instance: 'vm-1' }, fields });
      expect(profile?.deployment).toEqual(first?.deployment);
      expect(decode(profile?.pprof ?? Buffer.of()).samples.stack.length).toBeGreaterThan(0);
    }
    expect(wall?.duration).toBe('0.5s');
    expect(server.headers[0]).toMatchObject({
      authorization: 'Bearer token-1',
      'x-goog-api-client': expect.stringMatching(/^gl-node\/\d+\.\d+\.\d+ gccl\/\S+$/),
    });
  });

  test('renews its token in time', async () => {
    server.tokenSeconds = 302; // both renew it five minutes before its end
    server.otherwise = { want: 'HEAP' };
    stop = client.start(server);
    await until(() => server.tokensGiven >= 2, 'another token');
    const before = server.handedIn.length;
    await until(() => server.handedIn.length > before, 'another profile');
    expect(server.violations).toEqual([]);
  });
});

test('ours hands in after a failure what Google’s drops', async () => {
  const failure = { status: 503, body: statusBody(503, 'UNAVAILABLE', 'soon') };
  const names = [];
  for (const client of clients) {
    server.next.push({ want: 'HEAP' }, { want: 'HEAP' });
    server.nextUploads.push(failure);
    const before = server.handedIn.length;
    stop = client.start(server);
    await until(() => server.handedIn.length === before + 1, `a profile of ${client.name}`);
    names.push(server.handedIn.at(-1)?.name);
    stop();
    server.next.length = 0;
  }
  // The first and second are Google's, the third is ours.
  expect(names.map((name) => name?.split('/').at(-1))).toEqual(['abc2', 'abc3']);
});
