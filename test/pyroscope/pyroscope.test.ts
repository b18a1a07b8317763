/** Against a real Pyroscope, and against a receiver that is stricter than one. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  PyroscopeDestination,
  type PyroscopeOptions,
} from '../../src/export/pyroscope/pyroscope.ts';
import { QueueExporter } from '../../src/export/queue.ts';
import type { Profile } from '../../src/profile/model.ts';
import { bytes, milliseconds } from '../../src/units.ts';
import { readProfiles, samplesOf, total } from '../helpers/profiles.ts';
import {
  profileFiles,
  programs,
  registerFile,
  runProgram,
  withFolder,
} from '../helpers/programs.ts';
import { type Backend, backends, canBuild } from './backends.ts';
import { encoded, profileOf, type Sample } from './profiles.ts';

const CPU = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds';
const WALL = 'wall:wall:nanoseconds:wall:nanoseconds';
const SPACE = 'memory:inuse_space:bytes:space:bytes';
const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0');

describe.skipIf(!canBuild).each(Object.entries(backends))('%s', (_, start) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await start();
  });
  afterAll(() => backend?.stop());

  /** Services have names of their own, so that tests do not see each other's profiles. */
  let services = 0;
  const newService = () => `service-${process.pid}-${++services}`;

  async function send(
    service: string,
    profiles: readonly Profile[],
    options: Partial<PyroscopeOptions> = {},
  ): Promise<void> {
    const destination = new PyroscopeDestination({
      endpoint: backend.url,
      seriesLabels: ['agent_name', 'tool_name'],
      ...options,
    });
    try {
      for (const profile of profiles) {
        const sent = encoded(service, profile);
        for (;;) {
          const outcome = await destination.send(sent, AbortSignal.timeout(20_000));
          if (outcome.kind === 'stored') break;
          // The server's rate limit; what is stored of a profile already is not sent again.
          expect(outcome).toMatchObject({
            kind: 'retry',
            reason: expect.stringMatching(/^HTTP 429/),
          });
          await delay(200);
        }
      }
    } finally {
      await destination.close();
    }
  }

  test('a program under the preload: what is on the server is what is in its files, to the unit', async () => {
    const service = newService();
    await withFolder(async (folder) => {
      const { code, stderr } = await runProgram(join(programs, 'export/flushes.mjs'), {
        nodeArgs: ['--require', registerFile],
        env: {
          SPANPROF_SERVICE_NAME: service,
          SPANPROF_WINDOW_SECONDS: '1',
          SPANPROF_HEAP_INTERVAL_BYTES: '16384',
          SPANPROF_EXPORTERS: 'file,pyroscope',
          SPANPROF_FILE_DIRECTORY: join(folder, 'profiles'),
          SPANPROF_SPOOL_DIRECTORY: join(folder, 'spool'),
          SPANPROF_PYROSCOPE_ENDPOINT: backend.url,
        },
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const types = await backend.types(service);
      expect(types).toEqual(expect.arrayContaining([CPU, WALL, SPACE]));
      for (const [type, profileType] of [
        [CPU, 'cpu'],
        [WALL, 'wall'],
        [SPACE, 'heap'],
      ] as const) {
        const files = readProfiles(join(folder, 'profiles'), profileType);
        const samples = files.flatMap(({ profile }) => samplesOf(profile));
        expect(files.length).toBeGreaterThan(1);
        expect(await backend.total(service, type)).toBe(total(samples, 'value'));
        for (const agent of ['planner', 'writer']) {
          const sum = total(samples, 'value', ({ labels }) => labels['agent_name'] === agent);
          expect(sum).toBeGreaterThan(0);
          expect(await backend.total(service, type, { label: ['agent_name', agent] })).toBe(sum);
        }
      }
      expect(profileFiles(join(folder, 'profiles')).length).toBeGreaterThan(0);
    });
  });

  test('two thousand invocation ids, sessions and spans make no series', async () => {
    const service = newService();
    const samples: Sample[] = Array.from({ length: 2_000 }, (_, i) => ({
      stack: ['main', 'invoke'],
      labels: {
        agent_name: 'planner',
        invocation_id: `invocation-${i}`,
        session_id: `session-${i}`,
        span_id: hex(i + 1, 16),
        root_span_id: hex((i % 50) + 1, 16),
        trace_id: hex(i + 1, 32),
        step: i,
      },
      value: 1_000 + i,
    }));
    await send(service, [profileOf('cpu', samples)]);
    const series = await backend.series(service);
    // One for each value type: the count and the time.
    expect(series).toHaveLength(2);
    for (const labels of series) {
      const own = Object.keys(labels)
        .filter((name) => !name.startsWith('__'))
        .sort();
      expect(own).toEqual(['agent_name', 'service_name']);
    }
    expect(await backend.total(service, CPU)).toBe(2_000 * 1_000 + (2_000 * 1_999) / 2);
  });

  test.each(['root', 'active'] as const)(
    'the flamegraph of a span is the sum of its samples: %s',
    async (spanLabel) => {
      const service = newService();
      const samples: Sample[] = Array.from({ length: 60 }, (_, i) => ({
        stack: ['main', `step${i % 7}`],
        labels: {
          agent_name: i % 2 ? 'planner' : 'writer',
          ...(i % 5 === 0
            ? {}
            : { span_id: hex((i % 6) + 0x10, 16), root_span_id: hex((i % 3) + 0xa0, 16) }),
        },
        value: 1_000_000 + i,
      }));
      await send(service, [profileOf('cpu', samples)], { spanLabel });
      const key = spanLabel === 'root' ? 'root_span_id' : 'span_id';
      const spans = new Set(
        samples.map(({ labels }) => labels[key]).filter((id) => typeof id === 'string'),
      );
      expect(spans.size).toBe(spanLabel === 'root' ? 3 : 6);
      for (const span of spans) {
        const expected = samples
          .filter(({ labels }) => labels[key] === span)
          .reduce((sum, { value }) => sum + value, 0);
        expect(await backend.total(service, CPU, { span })).toBe(expected);
      }
    },
  );

  test('labels of the process, in names that every version takes', async () => {
    const service = newService();
    const labels = {
      'service.version': '1.2.3',
      region: 'eü "west", {1}=\\',
      shard: 7,
      ...Object.fromEntries(Array.from({ length: 28 }, (_, i) => [`extra${i}`, 'x'])),
    };
    const samples = [{ stack: ['main'], labels: { agent_name: 'p', tool_name: 't' }, value: 5 }];
    await send(service, [profileOf('cpu', samples)], { labels });
    const [series] = await backend.series(service);
    expect(series).toMatchObject({
      service_version: '1.2.3',
      region: 'eü "west", {1}=\\',
      shard: '7',
      agent_name: 'p',
      tool_name: 't',
    });
  });

  describe('what it refuses', () => {
    const sample = { stack: ['main'], labels: {}, value: 1 };
    const old = profileOf('cpu', [sample], Date.now() - 3 * 3_600_000);
    const future = profileOf('cpu', [sample], Date.now() + 3_600_000);
    const badType = {
      ...profileOf('cpu', [sample]),
      sampleTypes: [
        { type: 'samples', unit: 'count' },
        { type: 'not-a-type', unit: 'nanoseconds' },
      ],
    };

    test.each([
      ['too old', old],
      ['of the future', future],
      ['of a type with a dash', badType],
    ] as const)(
      '%s: nothing is sent twice, the reason is told, the next window flows',
      async (_, bad) => {
        const service = newService();
        await withFolder(async (spoolDirectory) => {
          const reports: string[] = [];
          const queue = new QueueExporter(new PyroscopeDestination({ endpoint: backend.url }), {
            spoolDirectory,
            spoolMaxBytes: bytes(1 << 26),
            spoolMaxAgeMillis: milliseconds(24 * 3_600_000),
            windowMillis: milliseconds(60_000),
            timeoutMillis: milliseconds(20_000),
            firstRetryMillis: milliseconds(50),
            maxRetryMillis: milliseconds(500),
            report: (line) => reports.push(line),
          });
          await queue.export(encoded(service, bad));
          await queue.export(encoded(service, profileOf('cpu', [{ ...sample, value: 77 }])));
          const { exported, dropped, lastError, waiting, attempts } = queue.status();
          await queue.close();
          expect({ exported, dropped, waiting }).toEqual({
            exported: 1,
            dropped: { PROFILE_REJECTED: 1 },
            waiting: 0,
          });
          expect(attempts).toBe(2);
          expect(lastError).toMatch(/HTTP 400: \S+/);
          expect(reports).toEqual([lastError]);
          expect(await backend.total(service, CPU)).toBe(77);
        });
      },
    );
  });

  describe('beyond a limit it is split, and nothing is missing:', () => {
    const sum = (samples: readonly Sample[]) => samples.reduce((all, { value }) => all + value, 0);

    test('samples', async () => {
      const service = newService();
      const samples = Array.from({ length: 40_000 }, (_, i) => ({
        stack: ['main', `f${i % 200}`, `g${i}`],
        labels: { agent_name: `agent-${i % 3}` },
        value: i + 1,
      }));
      await send(service, [profileOf('cpu', samples)]);
      expect(await backend.total(service, CPU)).toBe(sum(samples));
      const agent = samples.filter(({ labels }) => labels.agent_name === 'agent-1');
      expect(await backend.total(service, CPU, { label: ['agent_name', 'agent-1'] })).toBe(
        sum(agent),
      );
    });

    test('bytes', async () => {
      const service = newService();
      const samples = Array.from({ length: 3_000 }, (_, i) => ({
        stack: ['main', `${'long name '.repeat(200)}${i}`],
        labels: {},
        value: i + 1,
      }));
      const profile = profileOf('heap', samples);
      await send(service, [profile]);
      expect(await backend.total(service, SPACE)).toBe(sum(samples));
    });

    test('depth, lengths of names and of values', async () => {
      const service = newService();
      const samples = [
        {
          stack: Array.from({ length: 1_500 }, (_, i) => `recursion${i}`),
          labels: { agent_name: 'é'.repeat(4_000), tool_name: 'short', ['x'.repeat(3_000)]: 'y' },
          value: 42,
        },
        { stack: ['main', 'n'.repeat(100_000)], labels: {}, value: 7 },
      ];
      await send(service, [profileOf('cpu', samples)]);
      expect(await backend.total(service, CPU)).toBe(49);
      expect(await backend.total(service, CPU, { label: ['tool_name', 'short'] })).toBe(42);
    });
  });
});
