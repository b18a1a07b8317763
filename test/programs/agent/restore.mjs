/**
 * Pictures of everything that starting and using spanprof could have changed, before and after; prints
 * where they differ. Needs --expose-internals: Node shows the state of its hooks nowhere else.
 */
import { AsyncLocalStorage, AsyncResource, createHook } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import { PerformanceObserver } from 'node:perf_hooks';
import timers from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import v8 from 'node:v8';
import { Worker } from 'node:worker_threads';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { addon } from '../../../.cache/modules/native.js';
import {
  accounts,
  invocation,
  measure,
  run,
  start,
  status,
  stop,
  usage,
} from '../../../dist/index.js';

const require = createRequire(import.meta.url);
const { internalBinding } = require('internal/test/binding');
const { async_hook_fields: hookFields } = internalBinding('async_wrap');
const { observerCounts } = internalBinding('performance');

/** Its place among the fields. */
const STACK_LENGTH = 7;

const manager = new AsyncLocalStorageContextManager().enable();
context.setGlobalContextManager(manager);
trace.setGlobalTracerProvider(new BasicTracerProvider());
const tracer = trace.getTracer('restore');

/** Own properties of what programs share: functions by identity, all with their flags. */
const watched = {
  globalThis,
  process,
  'process.prototype': Object.getPrototypeOf(process),
  Promise,
  'Promise.prototype': Promise.prototype,
  Error,
  'Function.prototype': Function.prototype,
  'AsyncLocalStorage.prototype': AsyncLocalStorage.prototype,
  'AsyncResource.prototype': AsyncResource.prototype,
  'EventEmitter.prototype': EventEmitter.prototype,
  'EventTarget.prototype': EventTarget.prototype,
  'PerformanceObserver.prototype': PerformanceObserver.prototype,
  'Worker.prototype': Worker.prototype,
  http,
  net,
  timers,
  v8,
  manager,
  'manager.prototype': Object.getPrototypeOf(manager),
  tracer: Object.getPrototypeOf(tracer),
  span: Object.getPrototypeOf(tracer.startSpan('one')),
  proxy: trace.getTracerProvider(),
  'otel registry': globalThis[Symbol.for('opentelemetry.js.api.1')],
};

/** Of numbers that change by themselves (of processes, clocks, caches) only the kind is looked at. */
function properties(object) {
  return Reflect.ownKeys(object).map((key) => {
    const { value, ...rest } = Object.getOwnPropertyDescriptor(object, key);
    return [
      String(key),
      typeof value === 'function' ? value : typeof value,
      ...Object.values(rest),
    ];
  });
}

const listeners = (emitter) =>
  emitter
    .eventNames()
    .flatMap((name) => emitter.rawListeners(name).map((fn) => [String(name), fn]));

/** Signals with a handler in the kernel's eyes. */
const caught = () => /^SigCgt:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];

function picture() {
  const seen = new Map();
  for (const [name, object] of Object.entries(watched)) {
    seen.set(`${name}: prototype`, [Object.getPrototypeOf(object)]);
    for (const [key, ...what] of properties(object)) seen.set(`${name}: ${key}`, what);
  }
  seen.set('process listeners', listeners(process).flat());
  // How deep callbacks are nested at this moment is no setting.
  seen.set('async_hooks', [...hookFields].toSpliced(STACK_LENGTH, 1));
  seen.set('performance observers', [...observerCounts]);
  seen.set('resources', process.getActiveResourcesInfo().sort());
  seen.set('signals', [caught()]);
  seen.set('threads', [readdirSync('/proc/self/task').length]);
  seen.set('prepareStackTrace', [Error.prepareStackTrace, Error.stackTraceLimit]);
  return seen;
}

function differences(before, after) {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => {
    const one = before.get(name);
    const other = after.get(name);
    return (
      one === undefined ||
      other === undefined ||
      one.length !== other.length ||
      one.some((part, i) => part !== other[i])
    );
  });
}

/** How often our hook ran; shared memory, so it is seen without the ledger. */
const looks = () => addon.billTable(0).words[4];
async function awaits() {
  for (let i = 0; i < 1_000; i++) await null;
  await sleep(5);
}

async function use() {
  const { usage: bill } = await measure({ agent_name: 'a' }, async () => {
    await run({ tool_name: 't' }, () => sleep(2));
    for (let i = 0; i < 1e6; i++) Math.sqrt(i);
    await tracer.startActiveSpan('span', async (span) => {
      await sleep(2);
      span.end();
    });
    return usage();
  });
  // Left open on purpose.
  const one = invocation({ agent_name: 'open' });
  one.run(awaits);
  await sleep(5);
  return bill.cpuMicros > 0 && accounts().billed.invocations === 2;
}

const rounds = [];
// What Node and the context manager start at their first use is there before.
createHook({ before() {} })
  .enable()
  .disable();
await Promise.all(Array.from({ length: 8 }, () => readFile(new URL(import.meta.url))));
await context.with(context.active(), awaits);
await awaits();
const first = picture();
for (let round = 0; round < 3; round++) {
  await start({ windowSeconds: 3600, exporters: [] });
  const works = await use();
  const during = picture();
  const method = status().bills.method;
  await stop();
  await awaits();
  const looksBefore = looks();
  await awaits();
  rounds.push({
    after: picture(),
    works,
    method,
    changedMeanwhile: differences(first, during),
    hookRan: looks() - looksBefore,
  });
}
console.log(
  JSON.stringify(
    rounds.map(({ after, ...round }) => ({ ...round, left: differences(first, after) })),
  ),
);
