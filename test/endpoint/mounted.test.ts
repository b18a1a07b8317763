/** The handler in the application's own server; profiling is not started but for the requests. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { samplesOf, total } from '../helpers/profiles.ts';
import { fetchProfile, type Service, startService } from './service.ts';

let service: Service;
let addresses: string[] = [];
beforeAll(async () => {
  service = await startService({ program: 'mounted.mjs' });
  addresses = service.addresses;
});
afterAll(() => service.discard());

test.each([
  ['node:http', 0],
  ['Express below a prefix', 1],
  ['Fastify', 2],
  ['Hono', 3],
])('%s serves profiles and leaves the rest to the application', async (_name, index) => {
  const url = addresses[index] ?? '';
  const root = url.replace('/internal', '');
  expect(await (await fetch(`${root}/`)).text()).toBe('the application');
  const profile = await fetchProfile(`${url}/debug/pprof/profile?seconds=1`);
  const ofWorker = total(
    samplesOf(profile),
    'value',
    ({ labels }) => labels['agent_name'] === 'worker',
  );
  expect(ofWorker).toBeGreaterThan(1e8);
  expect(await (await fetch(`${url}/debug/pprof/profile?seconds=0`)).text()).toContain(
    'seconds must',
  );
  const index_ = await fetch(`${url}/debug/pprof`, { headers: { Accept: 'text/html' } });
  expect(index_.url).toBe(`${url}/debug/pprof/`);
  expect(await index_.text()).toContain('<h1>Profiles of');
});

test('off by configuration or not started: samplers run for the time of a request only', async () => {
  const url = addresses[0] ?? '';
  expect(await service.ask('')).toEqual(['stopped', 'off', 'off']);
  const [wall, heap] = await Promise.all([
    fetchProfile(`${url}/debug/pprof/wall?seconds=1`),
    fetchProfile(`${url}/debug/pprof/heap?seconds=1`),
  ]);
  expect(wall.profileType).toBe('wall');
  expect(samplesOf(heap).some(({ stack }) => stack.includes('work'))).toBe(true);
  expect(await service.ask('')).toEqual(['stopped', 'off', 'off']);
  // A look at a heap that nobody has watched would show nothing, and look like an empty heap.
  const look = await fetch(`${url}/debug/pprof/heap`);
  expect([look.status, await look.text()]).toEqual([503, expect.stringContaining('seconds=30')]);
});

test('a client that leaves ends its request, and the samplers with it', async () => {
  const url = addresses[0] ?? '';
  const leaving = new AbortController();
  const asked = fetch(`${url}/debug/pprof/profile?seconds=60`, { signal: leaving.signal });
  await expect.poll(async () => (await service.ask(''))[1], { timeout: 10_000 }).toBe('running');
  leaving.abort();
  await expect(asked).rejects.toThrow();
  await expect.poll(async () => (await service.ask(''))[1], { timeout: 10_000 }).toBe('off');
  expect(service.stderr()).toBe('');
});
