/** `enabled: false` is a kill switch, for requests too; samplers that are only left off are not. */
import { afterEach, expect, test } from 'vitest';
import { agent } from '../../src/agent.ts';
import { endpoint } from '../../src/handler.ts';
import { start, status, stop } from '../../src/index.ts';

afterEach(async () => {
  delete process.env['SPANPROF_ENABLED'];
  // Forgets that it was disabled.
  await start({ exporters: [], cpu: { enabled: false }, heap: { enabled: false } });
  await stop();
});

const ask = (duration = 0.1) =>
  endpoint().fetch(
    new Request(`http://localhost/debug/pprof/profile?seconds=${duration}&format=folded`),
  );

test.each([
  ['the environment', 'false', undefined],
  ['start()', 'true', { enabled: false }],
])('switched off by %s: 503 with the reason, and nothing runs', async (_by, variable, options) => {
  process.env['SPANPROF_ENABLED'] = variable;
  if (options !== undefined) await start(options);
  const answer = await ask();
  expect([answer.status, await answer.text()]).toEqual([
    503,
    expect.stringContaining('profiling is disabled here: `enabled` is false'),
  ]);
  expect(() => agent.record()).toThrow('profiling is disabled here');
  const { state, cpu, heap } = status();
  expect(state).not.toBe('running');
  expect([cpu.state, heap.state]).toEqual(['off', 'off']);
});

test('never started, or with samplers that are off: answered', async () => {
  expect((await ask()).status).toBe(200);
  await start({ exporters: [], cpu: { enabled: false }, heap: { enabled: false } });
  expect((await ask()).status).toBe(200);
});

test('switched off while a request waits: what runs for it ends at once', async () => {
  const asked = ask(2);
  await expect.poll(() => status().cpu.state).toBe('running');
  await start({ enabled: false });
  expect([status().state, status().cpu.state]).toEqual(['disabled', 'off']);
  expect((await ask()).status).toBe(503);
  // It gets what there was until then.
  expect((await asked).status).toBe(200);
});
