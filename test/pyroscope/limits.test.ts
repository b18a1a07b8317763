/** A real Pyroscope with limits so tight that it refuses what we send, each limit with a tenant of its own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  PyroscopeDestination,
  type PyroscopeOptions,
} from '../../src/export/pyroscope/pyroscope.ts';
import type { SizeLimits } from '../../src/export/pyroscope/rewrite.ts';
import { QueueExporter } from '../../src/export/queue.ts';
import type { Profile } from '../../src/profile/model.ts';
import { bytes, milliseconds } from '../../src/units.ts';
import { withFolder } from '../helpers/programs.ts';
import { until } from '../helpers/receiver.ts';
import { canBuild, pyroscope } from './backends.ts';
import { CountingProxy } from './counting-proxy.ts';
import { encoded, profileOf, type Sample } from './profiles.ts';
import { type Started, startPyroscope } from './start.mjs';

const CPU = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds';
const MINUTE_MILLIS = 60_000;
const FLAGS = [
  '-auth.multitenancy-enabled=true',
  '-validation.max-profile-size-bytes=20480',
  '-validation.max-profile-stacktrace-samples=50',
  '-validation.max-profile-stacktrace-sample-labels=3',
  '-validation.max-profile-stacktrace-depth=20',
  '-validation.max-label-names-per-series=15',
  '-validation.max-length-label-name=40',
  '-validation.max-length-label-value=100',
  '-validation.reject-older-than=5m',
  '-validation.reject-newer-than=2m',
  '-ingester.max-global-series-per-tenant=10',
  '-distributor.ingestion-rate-limit-mb=0.05',
  '-distributor.ingestion-burst-size-mb=0.1',
];
/** Ours are of no help against these limits. */
const UNSPLIT: SizeLimits = { maxSamples: 1e9, maxBytes: 1e9 };

const samples = (count: number, more: (i: number) => Partial<Sample> = () => ({})): Sample[] =>
  Array.from({ length: count }, (_, i) => ({
    stack: ['main', `f${i}`],
    labels: {},
    value: i + 1,
    ...more(i),
  }));
const good = samples(3);

describe.skipIf(!canBuild)('Pyroscope v1.12.0 with tight limits', () => {
  let server: Started;
  let proxy: CountingProxy;
  beforeAll(async () => {
    server = await startPyroscope(FLAGS);
  });
  afterAll(() => server?.stop());

  /** Sends profiles of a tenant in order; gives what became of them. */
  async function sendAll(
    tenant: string,
    profiles: readonly Profile[],
    options: Partial<PyroscopeOptions> = {},
  ) {
    proxy = await new CountingProxy(server.url).up();
    const reports: string[] = [];
    try {
      return await withFolder(async (spoolDirectory) => {
        const queue = new QueueExporter(
          new PyroscopeDestination({ endpoint: proxy.url, tenant, limits: UNSPLIT, ...options }),
          {
            spoolDirectory,
            spoolMaxBytes: bytes(1 << 26),
            spoolMaxAgeMillis: milliseconds(24 * 60 * MINUTE_MILLIS),
            windowMillis: milliseconds(MINUTE_MILLIS),
            timeoutMillis: milliseconds(20_000),
            firstRetryMillis: milliseconds(20),
            maxRetryMillis: milliseconds(200),
            report: (line) => reports.push(line),
          },
        );
        for (const profile of profiles) await queue.export(encoded('tight', profile));
        await until(
          () => queue.status().waiting === 0,
          () => JSON.stringify(queue.status()),
          60_000,
        );
        const status = queue.status();
        await queue.close();
        return { status, reports, statuses: proxy.statuses };
      });
    } finally {
      await proxy.down();
    }
  }

  const backend = (tenant: string) =>
    pyroscope({ url: server.url, stop: async () => {} }, { 'x-scope-orgid': tenant });

  interface Refused {
    readonly profile: () => Profile;
    readonly options?: Partial<PyroscopeOptions>;
    readonly status?: number;
    readonly reason: RegExp;
  }
  const now = () => Date.now() - 1_000;
  const labelled = (labels: Record<string, string>) => ({ labels });

  const refused: Record<string, Refused> = {
    'bytes of a profile': {
      profile: () =>
        profileOf(
          'cpu',
          samples(40, (i) => ({ stack: [`${'x'.repeat(300)}${i}`] })),
        ),
      reason: /exceeds the size limit/,
    },
    'samples of a profile': {
      profile: () => profileOf('cpu', samples(51)),
      reason: /exceeds the samples count limit .*actual: 51, limit: 50/,
    },
    'labels of a sample': {
      profile: () =>
        profileOf(
          'cpu',
          samples(1, () => ({ labels: { a: '1', b: '2', c: '3', d: '4' } })),
        ),
      options: { seriesLabels: ['a', 'b', 'c', 'd'] },
      reason: /exceeds the sample labels limit .*actual: 4, limit: 3/,
    },
    'labels of a series': {
      profile: () => profileOf('cpu', good),
      options: labelled(Object.fromEntries(samples(14).map((_, i) => [`label${i}`, 'x']))),
      reason: /has 16 label names; limit 15/,
    },
    'the name of a label': {
      profile: () => profileOf('cpu', good),
      options: labelled({ ['n'.repeat(41)]: 'x' }),
      reason: /has label name too long/,
    },
    'the value of a label': {
      profile: () => profileOf('cpu', good),
      options: labelled({ region: 'v'.repeat(101) }),
      reason: /has label value too long/,
    },
    'the value of a label of a sample': {
      profile: () =>
        profileOf(
          'cpu',
          samples(1, () => ({ labels: { agent_name: 'v'.repeat(101) } })),
        ),
      options: { seriesLabels: ['agent_name'] },
      reason: /has label value too long/,
    },
    'the age of a profile': {
      profile: () => profileOf('cpu', good, now() - 10 * MINUTE_MILLIS),
      reason: /ingestion window/,
    },
    'a profile of the future': {
      profile: () => profileOf('cpu', good, now() + 5 * MINUTE_MILLIS),
      reason: /ingestion window/,
    },
    'active series': {
      profile: () =>
        profileOf(
          'cpu',
          samples(20, (i) => ({ labels: { agent_name: `agent${i}` } })),
        ),
      options: { seriesLabels: ['agent_name'] },
      status: 429,
      reason: /active series limit/,
    },
  };

  test.each(Object.entries(refused))(
    '%s: refused once, the reason is told, the next window flows',
    async (name, { profile, options, status = 400, reason }) => {
      const tenant = name.replaceAll(' ', '-');
      const before = await sendAll(tenant, [profileOf('cpu', good)]);
      expect(before.statuses).toEqual([200]);
      // A session's labels are those of all its profiles: the next window is of one without them.
      const first = await sendAll(tenant, [profile()], options);
      expect(first.statuses).toEqual([status]);
      expect(first.status).toMatchObject({
        exported: 0,
        dropped: { PROFILE_REJECTED: 1 },
        attempts: 1,
        failedAttempts: 0,
        state: 'sending',
      });
      expect(first.status.lastError).toMatch(new RegExp(`HTTP ${status}: `));
      expect(first.status.lastError).toMatch(reason);
      expect(first.reports).toEqual([first.status.lastError]);

      const isOfSession = options?.labels !== undefined;
      const flows = isOfSession
        ? await sendAll(tenant, [profileOf('cpu', good)])
        : await sendAll(tenant, [profile(), profileOf('cpu', good)], options);
      expect(flows.statuses).toEqual(isOfSession ? [200] : [status, 200]);
      expect(flows.status.exported).toBe(1);
    },
  );

  test('depth: stacks are cut by the server, nothing is refused', async () => {
    const deep = [{ stack: Array.from({ length: 30 }, (_, i) => `f${i}`), labels: {}, value: 42 }];
    const { status, statuses } = await sendAll('depth', [profileOf('cpu', deep)]);
    expect(statuses).toEqual([200]);
    expect(status).toMatchObject({ exported: 1, dropped: {} });
    expect(await backend('depth').total('tight', CPU)).toBe(42);
  });

  const begin = now() - 1_000;
  /** Some 18 KB, of which a burst has five. */
  const large = (number: number) =>
    profileOf(
      'cpu',
      samples(40, (i) => ({ stack: [`${'x'.repeat(200)}${i}`], value: 1_000 * number + i })),
      // Two of one series and one millisecond are one to the server.
      begin + number,
    );

  test('the rate is no refusal: 429 is tried again until all are stored', async () => {
    const profiles = Array.from({ length: 12 }, (_, i) => large(i));
    const { status, statuses } = await sendAll('rate', profiles);
    expect(status).toMatchObject({ exported: 12, dropped: {} });
    expect(statuses.filter((one) => one === 200)).toHaveLength(12);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    const expected = Array.from(
      { length: 12 * 40 },
      (_, i) => 1_000 * Math.floor(i / 40) + (i % 40),
    );
    expect(await backend('rate').total('tight', CPU)).toBe(
      expected.reduce((sum, one) => sum + one),
    );
  });

  test('what is larger than any burst gets 429 for ever, and makes way for the next', async () => {
    const huge = profileOf(
      'cpu',
      samples(40, (i) => ({ stack: [`${'x'.repeat(4_000)}${i}`] })),
      now() - 500,
    );
    const { status, reports } = await sendAll('burst', [huge, profileOf('cpu', good)]);
    expect(status).toMatchObject({ exported: 1, dropped: { PROFILE_REJECTED: 1 } });
    expect(reports.at(-1)).toMatch(/it failed \d+ times, the next one did not: HTTP 429/);
    expect(await backend('burst').total('tight', CPU)).toBe(6);
  });
});
