import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GcpOnline, type GcpOnlineOptions } from '../../src/export/gcp/online.ts';
import type { GcpSettings } from '../../src/export/gcp/settings.ts';
import { decode } from '../../src/profile/decode.ts';
import type { Profile, ProfileType } from '../../src/profile/model.ts';
import { milliseconds } from '../../src/units.ts';
import { profileFromText, samplesOf } from '../helpers/profile-from-text.ts';
import { aborted, CloudProfiler, caFile, statusBody, until } from './server.ts';

let server: CloudProfiler;
let client: GcpOnline | undefined;
const lines: string[] = [];
const recordings: { startMillis: number; endMillis: number | undefined }[] = [];

beforeEach(async () => {
  server = await new CloudProfiler().listen();
  Object.assign(process.env, server.environment);
  lines.length = 0;
  recordings.length = 0;
});

afterEach(async () => {
  client?.stop();
  client = undefined;
  await server.close();
});

const quick = {
  delayMillis: milliseconds(0),
  spacingMillis: milliseconds(0),
  backoff: { firstMillis: milliseconds(20), factor: 1.3, capMillis: milliseconds(50) },
  uploadBackoff: { firstMillis: milliseconds(20), factor: 1.3, capMillis: milliseconds(500) },
};

function start(
  settings: Partial<GcpSettings> = {},
  { pace, ...options }: Partial<GcpOnlineOptions> = {},
): GcpOnline {
  client = new GcpOnline({
    settings: {
      endpoint: server.endpoint,
      target: 'checkout',
      projectId: undefined,
      zone: undefined,
      version: 'v1',
      profileTypes: ['cpu', 'wall', 'heap'],
      filter: [],
      profileLabels: {},
      caFile,
      ...settings,
    },
    record,
    report: (line) => lines.push(line),
    pace: { ...quick, ...pace },
    ...options,
  });
  client.start();
  return client;
}

/** Three types, as an agent without allocation profiles has them; the stack says which it is. */
function record() {
  const recording = { startMillis: performance.now(), endMillis: undefined as number | undefined };
  recordings.push(recording);
  const profile = (profileType: ProfileType): Profile =>
    profileFromText(
      `
      stack            main
                       ${profileType}
      samples/count    3
      cpu/nanoseconds  30
      labels           agent_name=planner
      `,
      { profileType },
    );
  return {
    end: () => {
      recording.endMillis = performance.now();
      return new Map((['cpu', 'wall', 'heap'] as const).map((type) => [type, profile(type)]));
    },
  };
}

describe('the protocol', () => {
  test('asks, collects the asked type for the asked time, hands it in, asks again', async () => {
    server.next.push({ want: 'CPU', duration: '0.3s' }, { want: 'HEAP' }, { want: 'WALL' });
    const gcp = start();
    await until(() => server.handedIn.length === 2, 'two profiles');
    await until(() => gcp.status().state === 'collecting', 'the third');
    expect(server.violations).toEqual([]);
    expect(server.created[0]).toMatchObject({
      profileType: ['CPU', 'WALL', 'HEAP'],
      deployment: {
        projectId: 'meta-project',
        target: 'checkout',
        labels: { language: 'nodejs', zone: 'us-central1-a', version: 'v1' },
      },
    });
    const [cpu, heap] = server.handedIn;
    expect(cpu).toMatchObject({
      name: 'projects/meta-project/profiles/abc1',
      profileType: 'CPU',
      duration: '0.3s',
      labels: { instance: 'vm-1' },
    });
    expect(samplesOf(decode(cpu?.pprof ?? Buffer.of()))).toEqual([
      'main;cpu | agent_name=planner | 3 30',
    ]);
    expect(samplesOf(decode(heap?.pprof ?? Buffer.of()))).toEqual([
      'main;heap | agent_name=planner | 3 30',
    ]);
    const [asked] = recordings;
    expect((asked?.endMillis ?? 0) - (asked?.startMillis ?? 0)).toBeGreaterThanOrEqual(299);
    expect(gcp.status()).toMatchObject({ name: 'gcp', exported: 2, assigned: 3, dropped: {} });
    expect(server.tokensGiven).toBe(1);
    expect(server.connections).toBe(1);
    expect(lines).toEqual([]);
  });

  test('waits as long as the server asks, to the millisecond, and not the usual time', async () => {
    server.next.push(aborted('1.250s'), { want: 'HEAP' });
    start(
      {},
      {
        pace: {
          backoff: {
            firstMillis: milliseconds(600_000),
            factor: 1,
            capMillis: milliseconds(600_000),
          },
        },
      },
    );
    await until(() => server.handedIn.length === 1, 'a profile after the wait');
    const [first, second] = server.created;
    expect((second?.atMillis ?? 0) - (first?.atMillis ?? 0)).toBeGreaterThanOrEqual(1_249);
    expect(lines).toEqual([]);
  });

  test.each([
    ['409 without RetryInfo', aborted()],
    ['a delay that is no number', aborted('NaNs')],
    ['a delay of the wrong type', aborted(5)],
    ['a negative delay', aborted('-3s')],
    ['a delay of zero', aborted('0s')],
    ['429, a quota', { status: 429, body: statusBody(429, 'RESOURCE_EXHAUSTED', 'quota') }],
    ['403, no right', { status: 403, body: statusBody(403, 'PERMISSION_DENIED', 'no right') }],
    ['404, API off', { status: 404, body: statusBody(404, 'NOT_FOUND', 'API is disabled') }],
    ['500', { status: 500, body: statusBody(500, 'INTERNAL', 'oops') }],
    ['503', { status: 503, body: statusBody(503, 'UNAVAILABLE', 'soon') }],
    ['an HTML page', { status: 502, body: '<html><h1>Bad Gateway</h1></html>' }],
    ['HTML with 200', { status: 200, body: '<html>hello</html>' }],
    ['a redirect', { status: 302, headers: { location: 'https://localhost:1/' } }],
    ['a cut connection', 'reset'],
    ['a cut reply', 'resetMidReply'],
    ['a huge reply', { status: 200, body: { name: 'x'.repeat(1_000_000) } }],
    ['null', { status: 200, body: null }],
    ['a list', { status: 200, body: [] }],
  ] as const)('goes on after %s', async (_name, step) => {
    server.next.push(step, { want: 'HEAP' });
    const gcp = start();
    await until(() => gcp.status().exported === 1, 'a profile after the failure');
    expect(gcp.status().dropped).toEqual({});
    expect(server.violations).toEqual([]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^(Google|a reply of Google)/);
  });

  test.each([
    ['a type we did not offer', { want: 'CONTENTION' }],
    ['a type nobody knows', { want: 'CPU', reply: { profileType: 'SOUL' } }],
    ['a type that is a number', { want: 'CPU', reply: { profileType: 1 } }],
    ['a property of every object', { want: 'CPU', reply: { profileType: 'constructor' } }],
    ['no duration', { want: 'WALL', reply: { duration: undefined } }],
    ['a duration of years', { want: 'WALL', duration: '31536000s' }],
    ['a duration of zero', { want: 'WALL', duration: '0s' }],
    ['a negative duration', { want: 'WALL', duration: '-1s' }],
    ['a duration with an exponent', { want: 'WALL', duration: '1e9s' }],
    ['a duration that is a number', { want: 'WALL', reply: { duration: 10 } }],
    [
      'a name that climbs',
      { want: 'CPU', reply: { name: 'projects/../../v1/secrets/profiles/x' } },
    ],
    ['a name with a host', { want: 'CPU', reply: { name: 'projects/a/profiles/@evil.example/x' } }],
    ['a name with a query', { want: 'CPU', reply: { name: 'projects/a/profiles/x?alt=media' } }],
    ['a name of dots', { want: 'CPU', reply: { name: 'projects/a/profiles/..' } }],
    ['no name', { want: 'CPU', reply: { name: undefined } }],
  ])('refuses %s', async (_name, step) => {
    server.next.push(step, { want: 'HEAP' });
    const gcp = start();
    await until(() => gcp.status().exported === 1, 'the next profile');
    expect(server.violations).toEqual([]);
    expect(lines).toEqual([
      expect.stringContaining('a reply of Google Cloud Profiler was refused'),
    ]);
    // Nothing was recorded for it.
    expect(recordings).toHaveLength(1);
    expect(gcp.status()).toMatchObject({ exported: 1, assigned: 1, dropped: {} });
  });

  test('says the same trouble once, and again after all went well', async () => {
    const bad = { status: 503, body: statusBody(503, 'UNAVAILABLE', 'soon') };
    server.next.push(bad, bad, bad, { want: 'HEAP' }, bad, { want: 'HEAP' });
    start();
    await until(() => server.handedIn.length === 2, 'two profiles');
    expect(lines).toEqual(
      Array(2).fill('Google Cloud Profiler refuses to be asked, 503: soon; tried again later'),
    );
  });

  test('offers what is switched on, and no longer what a recording did not hold', async () => {
    server.next.push({ want: 'HEAP_ALLOC', duration: '0.01s' });
    const gcp = start({ profileTypes: ['cpu', 'heap', 'allocs'] });
    await until(() => server.created.length === 2, 'two requests');
    expect(server.created.map(({ profileType }) => profileType)).toEqual([
      ['CPU', 'HEAP', 'HEAP_ALLOC'],
      ['CPU', 'HEAP'],
    ]);
    expect(gcp.status().dropped).toEqual({ GCP_PROFILE_MISSING: 1 });
    expect(lines).toEqual([
      'Google Cloud Profiler asked for a profile that could not be taken (allocs); it is not offered again',
    ]);
  });

  test('a token that was withdrawn is replaced at once', async () => {
    server.next.push({ want: 'HEAP' });
    start();
    await until(() => server.handedIn.length === 1, 'a profile');
    server.next.push(aborted('0.01s'), { want: 'HEAP' });
    server.revokeTokens();
    server.drop();
    await until(() => server.handedIn.length === 2, 'another profile');
    expect(server.tokensGiven).toBe(2);
  });

  test('does not ask more often than agreed, however eager the server', async () => {
    server.otherwise = { want: 'HEAP' };
    start({}, { pace: { spacingMillis: milliseconds(400) } });
    await until(() => server.created.length === 5, 'five requests');
    // The first one came late: credentials had to be found.
    const times = server.created.slice(1).map(({ atMillis }) => atMillis);
    for (const [i, at] of times.slice(1).entries()) {
      expect(at - (times[i] ?? 0)).toBeGreaterThan(300);
    }
  });
});

describe('handing in', () => {
  const quota = { status: 429, body: statusBody(429, 'RESOURCE_EXHAUSTED', 'quota', '0.2s') };

  test('is tried again after what passes', async () => {
    server.next.push({ want: 'HEAP' });
    server.nextUploads.push(quota, 'reset');
    const gcp = start();
    await until(() => gcp.status().exported === 1, 'the profile');
    expect(server.handedIn).toHaveLength(1);
    expect(lines).toEqual([]);
  });

  test('is given up after three attempts, counted, and the next one goes well', async () => {
    server.next.push({ want: 'CPU', duration: '0.01s' }, { want: 'HEAP' });
    server.nextUploads.push('reset', { status: 500 }, { status: 503, body: 'busy' });
    const gcp = start();
    await until(() => gcp.status().exported === 1, 'the next profile');
    expect(server.handedIn.map(({ profileType }) => profileType)).toEqual(['HEAP']);
    expect(gcp.status().dropped).toEqual({ GCP_UPLOAD_FAILED: 1 });
    expect(lines).toEqual([
      'a profile could not be handed in to Google Cloud Profiler, 503: busy; it is dropped and counted',
    ]);
  });

  test('is not tried again when the content was refused', async () => {
    server.next.push({ want: 'HEAP' });
    server.nextUploads.push({ status: 400, body: statusBody(400, 'INVALID_ARGUMENT', 'too big') });
    const gcp = start();
    await until(() => gcp.status().dropped['GCP_UPLOAD_FAILED'] === 1, 'the count');
    expect(gcp.status().lastError).toContain('400: too big');
    expect(server.handedIn).toEqual([]);
  });
});

describe('stop', () => {
  test('ends a request that is being held', async () => {
    const gcp = start();
    await until(() => server.held === 1, 'the request is held');
    gcp.stop();
    await until(() => server.held === 0, 'the connection is closed');
    expect(gcp.status()).toMatchObject({ state: 'stopped', dropped: {} });
    expect(lines).toEqual([]);
  });

  test('ends a recording and a wait', async () => {
    server.next.push({ want: 'WALL', duration: '500s' });
    const gcp = start();
    await until(() => gcp.status().state === 'collecting', 'collecting');
    gcp.stop();
    await until(() => recordings.at(-1)?.endMillis !== undefined, 'the end of the recording');
    expect(server.created).toHaveLength(1);
    expect(server.handedIn).toEqual([]);
    expect(lines).toEqual([]);
  });
});
