/** What start() puts in front of OpenTelemetry is gone after stop(), whatever came in between. */
import { createRequire } from 'node:module';
import { type ContextManager, context, trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { afterEach, expect, test } from 'vitest';
import { start, status, stop } from '../../src/index.ts';
import { programs, registerFile, runProgram } from '../helpers/programs.ts';
import { registerSdk, type Sdk } from './sdk.ts';

const KEY = Symbol.for('opentelemetry.js.api.1');
const options = { exporters: [], cpu: { enabled: false }, heap: { enabled: false } } as const;
let sdk: Sdk | undefined;

afterEach(async () => {
  await stop();
  await sdk?.unregister();
  sdk = undefined;
});

/** Every property and prototype that could have been touched. */
function picture(manager: ContextManager): Map<string, unknown> {
  const registry: unknown = Reflect.get(globalThis, KEY);
  const provider = new BasicTracerProvider();
  const tracer = provider.getTracer('picture');
  const seen = new Map<string, unknown>();
  const add = (name: string, object: unknown) => {
    for (
      let at = object, depth = 0;
      at instanceof Object;
      at = Object.getPrototypeOf(at), depth++
    ) {
      if (at === Object.prototype) break;
      seen.set(`${name}/${depth}`, at);
      for (const key of Reflect.ownKeys(at)) {
        const { value, ...flags } = Object.getOwnPropertyDescriptor(at, key) ?? {};
        const isCode = typeof value === 'function';
        seen.set(`${name}/${depth}/${String(key)}`, { ...(isCode ? { value } : {}), ...flags });
      }
    }
  };
  add('registry', registry);
  add('manager', manager);
  add('proxy', trace.getTracerProvider());
  add('provider', provider);
  for (const [name, object] of [
    ['tracer', tracer],
    ['span', tracer.startSpan('picture')],
  ] as const) {
    const prototype: unknown = Object.getPrototypeOf(object);
    add(name, prototype);
  }
  seen.delete('provider/0');
  return seen;
}

test('context manager, prototypes and registry are as before', async () => {
  sdk = registerSdk();
  const before = picture(sdk.manager);
  await start(options);
  trace.getTracer('test').startActiveSpan('outer', (span) => span.end());
  const during = picture(sdk.manager);
  for (const wrapped of [
    'manager/0/with',
    'tracer/0/startSpan',
    'span/0/end',
    'span/0/setAttribute',
  ]) {
    expect(during.get(wrapped), wrapped).not.toEqual(before.get(wrapped));
  }
  await stop();
  expect(picture(sdk.manager)).toEqual(before);
  await start(options);
  expect(status().otel).toEqual({ state: 'linked', spans: 0, failures: 0 });
});

test('nothing stays behind where nobody registered anything, and registering works as ever', async () => {
  Reflect.deleteProperty(globalThis, KEY);
  await start(options);
  expect(status().otel.state).toBe('waiting');
  expect(Object.hasOwn(globalThis, KEY)).toBe(true);
  await stop();
  expect(Object.hasOwn(globalThis, KEY)).toBe(false);
  await start(options);
  sdk = registerSdk();
  expect(Object.getOwnPropertyDescriptor(globalThis, KEY)).toMatchObject({ writable: true });
  expect(context.setGlobalContextManager(sdk.manager)).toBe(false);
});

test('a wrapper that somebody put over ours stays, and ours under it does nothing any more', async () => {
  sdk = registerSdk();
  await start(options);
  const { manager } = sdk;
  const ours = manager.with;
  let calls = 0;
  const wrapper = (...args: unknown[]): unknown => {
    calls++;
    return Reflect.apply(ours, manager, args);
  };
  manager.with = wrapper as typeof manager.with;
  const theirs = manager.with;
  await stop();
  expect(manager.with).toBe(theirs);
  trace.getTracer('test').startActiveSpan('span', (span) => span.end());
  expect(calls).toBeGreaterThan(0);
  expect(status().otel).toEqual({ state: 'off', spans: 0, failures: 0 });
});

test('switched off, nothing is touched', async () => {
  sdk = registerSdk();
  const before = picture(sdk.manager);
  await start({ ...options, otel: { enabled: false } });
  expect(status().otel.state).toBe('off');
  expect(picture(sdk.manager)).toEqual(before);
});

test('several copies of the API in one process share spans and scopes', async () => {
  await start(options);
  sdk = registerSdk();
  const copy = otherCopy();
  expect(copy).not.toBe(createRequire(import.meta.url)('@opentelemetry/api'));
  copy.trace.getTracer('copy').startActiveSpan('of the copy', (span) => {
    expect(context.active()).toBe(copy.context.active());
    span.end();
  });
  expect(status().otel.spans).toBe(1);
  expect(sdk.spanNamed('of the copy').attributes).toHaveProperty(['pyroscope.profile.id']);
});

test('a program without OpenTelemetry loads nothing of it', async () => {
  const { stdout, stderr } = await runProgram(`${programs}/otel/loaded-files.mjs`, {
    nodeArgs: ['--require', registerFile],
    env: { SPANPROF_EXPORTERS: '' },
  });
  expect(stderr).toBe('');
  const { files, isRegistered } = JSON.parse(stdout) as { files: number; isRegistered: boolean };
  expect(files).toBe(0);
  expect(isRegistered).toBe(false);
});

/** The API package loaded anew, as a second one in `node_modules` would be. */
function otherCopy(): typeof import('@opentelemetry/api') {
  const require = createRequire(import.meta.url);
  const own = Object.keys(require.cache).filter((file) => file.includes('@opentelemetry/api/'));
  const kept = own.map((file) => [file, require.cache[file]] as const);
  for (const file of own) Reflect.deleteProperty(require.cache, file);
  const copy = require('@opentelemetry/api') as typeof import('@opentelemetry/api');
  for (const [file, module] of kept) require.cache[file] = module;
  return copy;
}
