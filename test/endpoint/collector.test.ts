/** Requests that come together share what is collected; the continuous profiles do not change. */
import { statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { agent } from '../../src/agent.ts';
import { Collector } from '../../src/endpoint/collector.ts';
import type { EndpointSource, Profiles } from '../../src/endpoint/source.ts';
import { seconds } from '../../src/units.ts';
import { readProfiles, samplesOf, total } from '../helpers/profiles.ts';
import { fetchProfile, withService } from './service.ts';

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

describe('the continuous profiles', () => {
  test('lose nothing to fifty requests, and their windows stay the same', async () => {
    await withService(
      async (service) => {
        const kinds = ['profile?seconds=1', 'wall?seconds=2', 'heap', 'heap?seconds=1&gc=1'];
        const profiles = await Promise.all(
          Array.from({ length: 50 }, (_, i) =>
            fetchProfile(`${service.url}/debug/pprof/${kinds[i % kinds.length]}`),
          ),
        );
        expect(profiles).toHaveLength(50);
        expect(service.stderr()).toBe('');
        expect(await service.end()).toBe(0);
        const { elapsedMillis } = JSON.parse(service.stdout()) as End;
        const cpu = readProfiles(service.folder, 'cpu').map(({ profile }) => profile);
        const heap = readProfiles(service.folder, 'heap');
        // One window of an hour, ended by the process: no part of it was exported by itself.
        expect([cpu.length, heap.length]).toEqual([1, 1]);
        const lengthMillis = sum(cpu.map(({ durationNanos }) => Number(durationNanos))) / 1e6;
        // The process takes a moment to end. The CPU total is compared over minutes: test/soak/on-demand.test.ts.
        expect(Math.abs(lengthMillis - elapsedMillis)).toBeLessThan(1_000);
        expect(statSync(heap[0]?.path ?? '').size).toBeGreaterThan(0);
      },
      { env: { SPANPROF_WINDOW_SECONDS: '3600' } },
    );
  });
});

interface End {
  readonly elapsedMillis: number;
}

describe('a heap', () => {
  test('with seconds= is what has come since; allocs says why it is not there', async () => {
    await withService(async ({ url }) => {
      const grown = await fetchProfile(`${url}/debug/pprof/heap?seconds=1`);
      const all = await fetchProfile(`${url}/debug/pprof/heap`);
      const bytes = (profile: typeof all) => total(samplesOf(profile), 'value');
      expect(grown.samples.values.flat().every((value) => value >= 0)).toBe(true);
      expect(bytes(grown)).toBeGreaterThan(0);
      expect(Number(grown.durationNanos)).toBeGreaterThan(0.9e9);
      const allocs = await fetch(`${url}/debug/pprof/allocs?seconds=0.2`);
      const isServed = allocs.status === 200;
      if (!isServed) expect(await allocs.text()).toContain('no allocs profile');
      expect([200, 503]).toContain(allocs.status);
    });
  });
});

test('too many at once are refused with 503 until others are through', async () => {
  await withService(async ({ url }) => {
    const statuses = await Promise.all(
      Array.from({ length: 140 }, async () => {
        const response = await fetch(`${url}/debug/pprof/profile?seconds=3`);
        await response.arrayBuffer();
        return [response.status, response.headers.get('retry-after')].join();
      }),
    );
    expect(statuses.filter((status) => status === '200,')).toHaveLength(128);
    expect(statuses.filter((status) => status === '503,5')).toHaveLength(12);
    expect((await fetch(`${url}/debug/pprof/heap`)).status).toBe(200);
  });
});

test('garbage that cannot be collected is the trouble of those who asked for it', async () => {
  const profiles: Profiles = new Map();
  const source: EndpointSource = {
    ...agent.endpointSource,
    record: () => ({ before: profiles, borrow: () => {}, cut: () => profiles, close: () => {} }),
  };
  const collector = new Collector(source, () => {
    throw new Error('no inspector here');
  });
  const collect = (gc: boolean) =>
    collector.collect(seconds(0), { cpu: false, heap: true }, gc, new AbortController().signal);
  const results = await Promise.allSettled([collect(true), collect(false)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  expect(collector.parallel).toBe(0);
});

test('formats', async () => {
  await withService(async ({ url }) => {
    const get = async (format: string, accept?: string) => {
      const response = await fetch(
        `${url}/debug/pprof/profile?seconds=0.5${format}`,
        accept === undefined ? {} : { headers: { Accept: accept } },
      );
      return `${response.headers.get('content-type')}\n${await response.text()}`;
    };
    const [folded, top, topJson, speedscope, svg, page, data, byAccept] = await Promise.all([
      get('&format=folded'),
      get('&debug=1&limit=3'),
      get('', 'application/json'),
      get('&format=speedscope'),
      get('', 'image/svg+xml'),
      get('', 'text/html,application/xhtml+xml,*/*;q=0.8'),
      get('&format=data'),
      get('', 'text/plain;q=0.5'),
    ]);
    expect(folded).toMatch(/^text\/plain.*\n(?:.* \d+\n)+$/);
    expect(top).toMatch(/^text\/plain.*\nType: cpu\nShowing nodes/);
    expect(JSON.parse(topJson.slice(topJson.indexOf('\n')))).toMatchObject({
      ...{ profile: 'cpu', type: 'cpu', unit: 'nanoseconds' },
      functions: expect.arrayContaining([expect.objectContaining({ name: 'writerWork' })]),
    });
    expect(speedscope).toContain('https://www.speedscope.app/file-format-schema.json');
    expect(svg).toMatch(/^image\/svg\+xml.*\n<svg /);
    expect(page).toMatch(/^text\/html.*\n<!doctype html>/);
    expect(JSON.parse(data.slice(data.indexOf('\n')))).toMatchObject({ type: 'cpu' });
    expect(byAccept).toContain('Type: cpu');
  });
});
