/** Contexts that are put in force without a function: `attach()`, and stores entered behind our back. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, type Span, type Tracer, trace } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { agent } from '../../src/agent.ts';
import { run, start, status, stop } from '../../src/index.ts';
import { addon } from '../../src/native.ts';
import { burn } from './burn.ts';
import { registerSdk, type Sdk } from './sdk.ts';

const options = { exporters: [], windowSeconds: 3600, heap: { enabled: false } } as const;
let sdk: Sdk;
let tracer: Tracer;

beforeEach(async () => {
  await start(options);
  sdk = registerSdk();
  tracer = trace.getTracer('test');
});
afterEach(async () => {
  await stop();
  await sdk.unregister();
});

/** The id that a sampler would see now, read the way samplers do. */
function sampledSpan(): unknown {
  const scope = agent.context.storage.getStore();
  const id = addon?.readScope() ?? scope?.id ?? 0;
  if (id !== (scope?.id ?? 0)) throw new Error(`slot ${id}, storage ${scope?.id ?? 0}`);
  return scope?.labels['span_id'];
}
const idOf = (span: Span) => span.spanContext().spanId;
const cpu = (name: string) => Number(sdk.spanNamed(name).attributes['resource.cpu.micros']);
/** Without the addon nothing is billed. */
const isBilled = () => agent.context.ledger !== undefined;

interface Attachment {
  dispose(): void;
}
/** As `context.attach()` of API 1.10 does. */
function attach(span: Span): Attachment {
  const manager = sdk.manager as unknown as { attach(context: unknown): Attachment };
  return manager.attach(trace.setSpan(context.active(), span));
}

describe('attach()', () => {
  test('puts the scope of the span in force until dispose(), and again after awaits', async () => {
    await run({}, async () => {
      const span = tracer.startSpan('attached');
      const attachment = attach(span);
      expect(trace.getActiveSpan()).toBe(span);
      expect(sampledSpan()).toBe(idOf(span));
      burn(20);
      await sleep(2);
      burn(20);
      expect(sampledSpan()).toBe(idOf(span));
      attachment.dispose();
      expect(trace.getActiveSpan()).toBeUndefined();
      expect(sampledSpan()).toBeUndefined();
      burn(20);
      span.end();
      if (!isBilled()) return;
      expect(cpu('attached')).toBeGreaterThan(20_000);
      expect(cpu('attached')).toBeLessThan(55_000);
    });
    expect(status().otel).toEqual({ state: 'linked', spans: 1, failures: 0 });
  });

  test('nests with startActiveSpan and run(), disposed twice or in turn', () => {
    tracer.startActiveSpan('outer', (outer) => {
      const first = tracer.startSpan('first');
      const ofFirst = attach(first);
      const second = tracer.startSpan('second');
      const ofSecond = attach(second);
      expect(sampledSpan()).toBe(idOf(second));
      run({ tool_name: 't' }, () => expect(sampledSpan()).toBe(idOf(second)));
      tracer.startActiveSpan('inner', (inner) => {
        expect(sampledSpan()).toBe(idOf(inner));
        burn(10);
        inner.end();
      });
      expect(sampledSpan()).toBe(idOf(second));
      ofSecond.dispose();
      expect(sampledSpan()).toBe(idOf(first));
      ofSecond.dispose();
      expect(sampledSpan()).toBe(idOf(first));
      ofFirst.dispose();
      expect(sampledSpan()).toBe(idOf(outer));
      second.end();
      first.end();
      outer.end();
    });
    expect(sampledSpan()).toBeUndefined();
    if (!isBilled()) return;
    // All are inclusive of what is inside.
    for (const name of ['inner', 'second', 'first', 'outer']) {
      expect(cpu(name), name).toBeGreaterThan(5_000);
    }
  });

  test('left open, it ends with the callback it was made in', async () => {
    const span = tracer.startSpan('left');
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        attach(span);
        expect(sampledSpan()).toBe(idOf(span));
        resolve();
      });
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(sampledSpan()).toBeUndefined();
    span.end();
  });

  test('dispose() after stop(), and in the next session, changes nothing', async () => {
    const span = tracer.startSpan('old');
    let attachment: Attachment | undefined;
    run({}, () => {
      attachment = attach(span);
    });
    await stop();
    attachment?.dispose();
    expect(agent.context.storage.getStore()).toBeUndefined();
    await start(options);
    attachment?.dispose();
    expect(sampledSpan()).toBeUndefined();
    span.end();
  });
});

test('enterWith on storages of the application changes no scope', async () => {
  const own = new AsyncLocalStorage<number>();
  await tracer.startActiveSpan('span', async (span) => {
    own.enterWith(1);
    expect([sampledSpan(), own.getStore()]).toEqual([idOf(span), 1]);
    await sleep(1);
    own.enterWith(2);
    await null;
    expect([sampledSpan(), own.getStore()]).toEqual([idOf(span), 2]);
    span.end();
  });
});

test("entered behind the manager's back: work is the surrounding one's, spans inside are right", () => {
  const storage = Reflect.get(sdk.manager, '_asyncLocalStorage') as AsyncLocalStorage<unknown>;
  tracer.startActiveSpan('around', (around) => {
    const hidden = tracer.startSpan('hidden');
    // As diagnostics_channel's bindStore does where it is given the manager's own storage.
    storage.run(trace.setSpan(context.active(), hidden), () => {
      expect(trace.getActiveSpan()).toBe(hidden);
      expect(sampledSpan()).toBe(idOf(around));
      tracer.startActiveSpan('inside', (inside) => {
        expect(sampledSpan()).toBe(idOf(inside));
        burn(20);
        inside.end();
      });
      expect(sampledSpan()).toBe(idOf(around));
    });
    hidden.end();
    around.end();
  });
  if (!isBilled()) return;
  expect(cpu('inside')).toBeGreaterThan(10_000);
  expect(cpu('hidden')).toBeGreaterThanOrEqual(cpu('inside'));
  expect(cpu('around')).toBeGreaterThanOrEqual(cpu('hidden'));
});
