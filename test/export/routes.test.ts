/** Several destinations at once, each with its own types, filter and interval. */
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Delivery } from '../../src/export/delivery.ts';
import type { EncodedProfile, Exporter } from '../../src/export/exporter.ts';
import { takeOwnExporters } from '../../src/export/own.ts';
import type { Route } from '../../src/export/route.ts';
import { decode } from '../../src/profile/decode.ts';
import type { Profile, ProfileType } from '../../src/profile/model.ts';
import { built } from '../../src/profile/unbuilt.ts';
import { readProfiles, samplesOf, total } from '../helpers/profiles.ts';
import { programs, registerFile, root, runProgram, withFolder } from '../helpers/programs.ts';
import { Receiver } from '../helpers/receiver.ts';
import { profileOf } from '../pyroscope/profiles.ts';

/** Remembers what it got. */
class Taker implements Exporter {
  readonly name = 'taker';
  readonly seen: EncodedProfile[] = [];
  async export(profile: EncodedProfile): Promise<void> {
    this.seen.push(profile);
  }
  exportSync(profile: EncodedProfile): void {
    this.seen.push(profile);
  }
  status() {
    return { name: 'taker', destination: '', exported: 0, dropped: {}, lastError: undefined };
  }
  get profiles(): Profile[] {
    return this.seen.map(({ pprof }) => decode(pprof));
  }
}

const START = BigInt(Date.now()) * 1_000_000n;
/** Ten seconds each, a little more or less; 1,000 · number + 1 by each of two agents. */
function windowOf(number: number, profileType: ProfileType = 'cpu'): Profile {
  const value = 1_000 * number + 1;
  const stack = ['main', 'window'];
  const agents = ['planner', 'writer'].map((agent_name) => ({
    stack,
    labels: { agent_name },
    value,
  }));
  return {
    ...profileOf(profileType, agents),
    timeNanos: START + BigInt(number) * 10_000_000_000n,
    durationNanos: 10_000_000_000n + (number % 2 === 0 ? -3_000_000n : 3_000_000n),
  };
}
const emptyWindow = (number: number): Profile => ({
  ...windowOf(number),
  samples: { stack: [], labelSet: [], values: [[], []] },
});

function deliveryTo(...routes: Route[]) {
  const takers = routes.map(() => new Taker());
  const outlets = routes.map((route, i) => ({ route, exporter: takers[i] ?? new Taker() }));
  const options = { inTurns: true, whole: (action: () => void) => action() };
  const identity = { serviceName: 'checkout', processId: 1, threadId: undefined };
  return { takers, delivery: new Delivery(outlets, identity, options) };
}
const sumOf = (profiles: readonly Profile[]) =>
  total(
    profiles.flatMap((profile) => samplesOf(profile)),
    'value',
  );

describe('an interval', () => {
  test('puts windows together, and nothing is missing', async () => {
    const { takers, delivery } = deliveryTo({}, { intervalSeconds: 30 });
    const [every, third] = takers;
    for (let i = 0; i < 8; i++) delivery.deliver(built(windowOf(i)));
    await delivery.drain();
    expect(every?.seen).toHaveLength(8);
    expect(third?.profiles.map(({ timeNanos }) => timeNanos - START)).toEqual([
      0n,
      30_000_000_000n,
      60_000_000_000n,
    ]);
    expect(third?.seen.map(({ startMillis, endMillis }) => endMillis - startMillis)).toEqual([
      29_997, 30_003, 20_000,
    ]);
    expect(sumOf(third?.profiles ?? [])).toBe(sumOf(every?.profiles ?? []));
    expect(third?.profiles[0]?.samples.stack).toHaveLength(2);
  });

  test('of a live heap the newest counts', async () => {
    const { takers, delivery } = deliveryTo({ intervalSeconds: 30 });
    for (let i = 0; i < 3; i++) delivery.deliver(built(windowOf(i, 'heap')));
    await delivery.drain();
    expect(takers[0]?.profiles.map((profile) => sumOf([profile]))).toEqual([2 * 2_001]);
    expect(takers[0]?.profiles[0]?.timeNanos).toBe(START);
  });

  test('ends in an idle process, too, and an idle one sends nothing', async () => {
    const { takers, delivery } = deliveryTo({ intervalSeconds: 30 });
    delivery.deliver(built(windowOf(0)));
    for (let i = 1; i < 9; i++) delivery.deliver(built(emptyWindow(i)));
    while (delivery.status().underWay > 0) await new Promise(setImmediate);
    expect(takers[0]?.seen).toHaveLength(1);
    expect(takers[0]?.profiles[0]?.durationNanos).toBe(29_997_000_000n);
  });

  test('ends early rather than hold many samples', async () => {
    const { takers, delivery } = deliveryTo({ intervalSeconds: 1_800 });
    const samples = 3_000;
    for (let i = 0; i < 12; i++) {
      const window = windowOf(i);
      delivery.deliver(
        built({
          ...window,
          labelSets: Array.from({ length: samples }, (_, j) => ({ invocation_id: `${i} ${j}` })),
          samples: {
            stack: Array.from({ length: samples }, () => 0),
            labelSet: Array.from({ length: samples }, (_, j) => j),
            values: [1, 1].map((value) => Array.from({ length: samples }, () => value)),
          },
        }),
      );
    }
    while (delivery.status().underWay > 0) await new Promise(setImmediate);
    const counts = takers[0]?.profiles.map((profile) => profile.samples.stack.length) ?? [];
    expect(counts.length).toBeGreaterThanOrEqual(2);
    expect(Math.max(...counts)).toBeLessThanOrEqual(16_000 + samples);
    await delivery.drain();
    expect(sumOf(takers[0]?.profiles ?? [])).toBe(12 * samples);
  });

  test('is over when the process ends', () => {
    const { takers, delivery } = deliveryTo({ intervalSeconds: 600 });
    for (let i = 0; i < 3; i++) delivery.deliver(built(windowOf(i)));
    delivery.deliver(built(windowOf(0, 'wall')));
    delivery.finishSync([built(windowOf(3))]);
    expect(takers[0]?.seen.map(({ profileType }) => profileType)).toEqual(['cpu', 'wall']);
    expect(sumOf(takers[0]?.profiles.slice(0, 1) ?? [])).toBe(2 * (1 + 1_001 + 2_001 + 3_001));
  });
});

test('types, filters and intervals of one destination are none of another', async () => {
  const { takers, delivery } = deliveryTo(
    {},
    { types: ['wall'] },
    { filter: ['agent_name=planner'] },
    { filter: ['agent_name!=planner', 'agent_name=*'], types: ['cpu'], intervalSeconds: 20 },
    { filter: ['agent_name=nobody'] },
  );
  for (let i = 0; i < 2; i++) {
    delivery.deliver(built(windowOf(i)));
    delivery.deliver(built(windowOf(i, 'wall')));
  }
  await delivery.drain();
  const got = takers.map(({ seen }) => seen.map(({ profileType }) => profileType).sort());
  const all = ['cpu', 'cpu', 'wall', 'wall'];
  expect(got).toEqual([all, ['wall', 'wall'], all, ['cpu'], []]);
  const agents = takers.map(({ profiles }) => [
    ...new Set(
      profiles.flatMap((profile) => samplesOf(profile)).map(({ labels }) => labels['agent_name']),
    ),
  ]);
  expect(agents).toEqual([
    ['planner', 'writer'],
    ['planner', 'writer'],
    ['planner'],
    ['writer'],
    [],
  ]);
});

test('a program with three destinations: each has its own, to the unit', async () => {
  const server = await new Receiver().up();
  try {
    await withFolder(async (folder) => {
      const env = {
        SPANPROF_SERVICE_NAME: 'routes',
        SPANPROF_WINDOW_SECONDS: '1',
        SPANPROF_EXPORTERS: 'file,pyroscope',
        SPANPROF_FILE_DIRECTORY: join(folder, 'profiles'),
        SPANPROF_SPOOL_DIRECTORY: join(folder, 'spool'),
        SPANPROF_PYROSCOPE_ENDPOINT: server.url,
        SPANPROF_PYROSCOPE_TYPES: 'cpu,wall',
        SPANPROF_PYROSCOPE_FILTER: 'agent_name=planner',
        SPANPROF_PYROSCOPE_INTERVAL_SECONDS: '60',
      };
      const { code, stderr } = await runProgram(join(programs, 'export/flushes.mjs'), {
        nodeArgs: ['--require', registerFile],
        env,
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      for (const type of ['cpu', 'wall'] as const) {
        const files = readProfiles(join(folder, 'profiles'), type);
        expect(files.length).toBeGreaterThan(2);
        const samples = files.flatMap(({ profile }) => samplesOf(profile));
        const planner = total(samples, 'value', ({ labels }) => labels['agent_name'] === 'planner');
        const stored = server.stored.filter(({ profile }) => profile.profileType === type);
        // `stop()` ends the interval, long before its time.
        expect(stored).toHaveLength(1);
        expect(planner).toBeGreaterThan(0);
        expect(sumOf(stored.map(({ profile }) => profile))).toBe(planner);
      }
      expect(server.stored).toHaveLength(2);
    });
  } finally {
    await server.down();
  }
});

test('an interval ends with a process that ends by itself', async () => {
  const server = await new Receiver().up();
  try {
    await withFolder(async (folder) => {
      const file = join(folder, 'ends.mjs');
      fs.writeFileSync(
        file,
        `const end = Date.now() + 2500;
         while (Date.now() < end) { for (let x = 0; x < 1e6; x++); await new Promise(setImmediate); }`,
      );
      const { code, stderr } = await runProgram(file, {
        cwd: root,
        nodeArgs: ['--require', registerFile],
        env: {
          SPANPROF_SERVICE_NAME: 'ends',
          SPANPROF_WINDOW_SECONDS: '1',
          SPANPROF_HEAP: 'off',
          SPANPROF_SPOOL_DIRECTORY: join(folder, 'spool'),
          SPANPROF_PYROSCOPE_ENDPOINT: server.url,
          SPANPROF_PYROSCOPE_INTERVAL_SECONDS: '60',
          SPANPROF_UPLOAD_EXIT_SECONDS: '20',
        },
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(server.stored.map(({ profile }) => profile.profileType).sort()).toEqual([
        'cpu',
        'wall',
      ]);
      for (const { profile } of server.stored) {
        expect(Number(profile.durationNanos)).toBeGreaterThan(2e9);
      }
    });
  } finally {
    await server.down();
  }
});

test.each([
  [{ types: ['cpu', 'gpu'] }, /exporters\.x\.types: expected a list of cpu.* got "gpu" in it/],
  [{ filter: ['planner'] }, /exporters\.x\.filter: expected .*NAME=VALUE.* got "planner" in it/],
  [{ intervalSeconds: 0.5 }, /exporters\.x\.intervalSeconds: expected a whole number of seconds/],
])('a route of an own exporter that is none: %j', (route, message) => {
  const own = { name: 'x', address: 'y', send: async () => ({}), close: async () => {}, ...route };
  const take = () => takeOwnExporters({ exporters: [own as never] });
  expect(take).toThrow(message);
});
