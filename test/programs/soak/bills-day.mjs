/**
 * Opens and closes that many scopes: for every fifth a span, else an invocation with a `run` in it. Prints
 * what memory came to after each twentieth, and how many promises made inside of ended scopes a collection
 * right after left alive.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { accounts, measure, run, start, status, stop } from '../../../dist/index.js';

const SCOPES_A_ROUND = 5;
const ROUNDS_A_TURN = 50;
const STEPS = 20;
const WATCHED_A_STEP = 100;

const scopes = Number(process.argv[2] ?? 10_000_000);
const rounds = Math.ceil(scopes / SCOPES_A_ROUND / STEPS);
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
await start({
  windowSeconds: 10,
  exporters: [],
  attribution: { budgetPercent: 100, maxSwitchesPerSecond: 1e9 },
});
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(new BasicTracerProvider());
const tracer = trace.getTracer('day');

/** @type {WeakRef<object>[]} */
let watched = [];
let watches = false;
async function work() {
  const promise = new Promise((resolve) => queueMicrotask(resolve));
  if (watches) watched.push(new WeakRef(promise));
  await promise;
}
const tool = () => run({ tool_name: 'tool' }, work);
const spanned = async (span) => {
  await work();
  span.end();
};
async function round(i) {
  const labels = { agent_name: `agent-${i % 150}`, session_id: `session-${i}` };
  await measure(labels, tool);
  await tracer.startActiveSpan('span', spanned);
  await measure(labels, tool);
}

let atRound = 0;
async function step() {
  for (let i = 0; i < rounds; i++) {
    watches = i >= rounds - WATCHED_A_STEP;
    await round(atRound++);
    if (i % ROUNDS_A_TURN === 0) await turn();
  }
  watches = false;
}

/** Their scopes ended a moment ago, and their bills are still open for late work. */
async function stillThere() {
  await turn();
  gc();
  await turn();
  const alive = watched.filter((reference) => reference.deref() !== undefined).length;
  watched = [];
  return alive;
}

const threadMicros = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
const memory = [];
const notCollected = [];
let cpuMicros = 0;
const began = performance.now();
for (let i = 0; i < STEPS; i++) {
  const before = threadMicros();
  await step();
  cpuMicros += threadMicros() - before;
  notCollected.push(await stillThere());
  gc();
  const { heapUsed, rss, external } = process.memoryUsage();
  memory.push({ heapUsed, rss, external });
}
const elapsedMillis = performance.now() - began;
const { bills, scopes: stored, otel } = status();
const report = accounts();
await stop();
console.log(
  JSON.stringify({
    ...{ memory, notCollected, watchedAStep: WATCHED_A_STEP * 3, bills, scopes: stored, otel },
    ...{ cpuMicros, elapsedMillis, opened: atRound * SCOPES_A_ROUND },
    invocations: report.billed.invocations,
    sessions: report.sessions.named.length,
  }),
);
