/** Which scope is in force while spans of a real SDK are active. */

import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, ROOT_CONTEXT, type Span, type Tracer, trace } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { AlwaysOffSampler, BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { agent } from '../../src/agent.ts';
import { run, start, status, stop } from '../../src/index.ts';
import { addon } from '../../src/native.ts';
import { registerSdk, type Sdk } from './sdk.ts';

const options = { exporters: [], windowSeconds: 3600, heap: { enabled: false } } as const;
let sdk: Sdk;
let tracer: Tracer;

/** The labels that a sampler would see now, read the way samplers do. */
function sampled(): Readonly<Record<string, unknown>> {
  const scope = agent.context.storage.getStore();
  const id = addon?.readScope() ?? scope?.id ?? 0;
  if (id !== (scope?.id ?? 0)) throw new Error(`slot ${id}, storage ${scope?.id ?? 0}`);
  return scope?.labels ?? {};
}

function ids(span: Span, root: Span = span): Record<string, string> {
  const { traceId, spanId } = span.spanContext();
  return { trace_id: traceId, span_id: spanId, root_span_id: root.spanContext().spanId };
}

describe.each(['before', 'after'])('SDK registered %s start()', (order) => {
  beforeEach(async () => {
    if (order === 'before') sdk = registerSdk();
    await start(options);
    if (order === 'after') sdk = registerSdk();
    tracer = trace.getTracer('test');
  });
  afterEach(async () => {
    await stop();
    await sdk.unregister();
  });

  test('startActiveSpan: nested, asynchronous, and back', async () => {
    expect(sampled()).toEqual({});
    await tracer.startActiveSpan('outer', async (outer) => {
      expect(sampled()).toEqual(ids(outer));
      await sleep(2);
      await tracer.startActiveSpan('inner', async (inner) => {
        await sleep(2);
        expect(sampled()).toEqual(ids(inner, outer));
        inner.end();
        expect(sampled()).toEqual(ids(inner, outer));
      });
      expect(sampled()).toEqual(ids(outer));
      outer.end();
    });
    expect(sampled()).toEqual({});
    expect(status().otel).toEqual({ state: 'linked', spans: 2, failures: 0 });
    const root = sdk.spanNamed('outer');
    expect(root.attributes['pyroscope.profile.id']).toBe(root.spanContext().spanId);
    expect(sdk.spanNamed('inner').attributes).not.toHaveProperty('pyroscope.profile.id');
  });

  test('context.with, bind and bound emitters enter the one scope of a span', () => {
    const span = tracer.startSpan('span');
    const active = trace.setSpan(context.active(), span);
    const current = () => agent.context.storage.getStore();
    const ofWith = context.with(active, current);
    expect(ofWith?.labels).toEqual(ids(span));
    expect(context.bind(active, current)()).toBe(ofWith);
    const emitter = context.bind(active, new EventEmitter());
    let ofListener: unknown;
    emitter.on('x', () => {
      ofListener = current();
    });
    emitter.emit('x');
    expect(ofListener).toBe(ofWith);
    span.end();
    // Late work still finds the span.
    expect(context.with(active, current)).toBe(ofWith);
  });

  test('what with() is given and gives goes through: arguments, this, results, errors', () => {
    const span = tracer.startSpan('span');
    const active = trace.setSpan(context.active(), span);
    const self = { name: 'self' };
    const fn = function (this: unknown, ...args: number[]) {
      return [this, ...args];
    };
    expect(context.with(active, fn, self, 1, 2)).toEqual([self, 1, 2]);
    const error = new Error('expected');
    const fail = () => {
      throw error;
    };
    expect(() => context.with(active, fail)).toThrow(error);
    expect(sampled()).toEqual({});
    // Nonsense fails as it does without us.
    expect(() => context.with(undefined as never, () => 7)).not.toThrow();
  });

  test('scopes of the application nest in spans, and spans in scopes', () => {
    run({ agent_name: 'a' }, () => {
      tracer.startActiveSpan('outer', (outer) => {
        expect(sampled()).toEqual({ agent_name: 'a', ...ids(outer) });
        run({ tool_name: 't' }, () => {
          expect(sampled()).toEqual({ agent_name: 'a', tool_name: 't', ...ids(outer) });
          const withValue = context.active().setValue(Symbol('value'), 1);
          context.with(withValue, () => {
            expect(sampled()).toMatchObject({ tool_name: 't', ...ids(outer) });
          });
          tracer.startActiveSpan('inner', (inner) => {
            expect(sampled()).toEqual({ agent_name: 'a', tool_name: 't', ...ids(inner, outer) });
          });
        });
        context.with(ROOT_CONTEXT, () => expect(sampled()).toEqual({ agent_name: 'a' }));
      });
    });
  });

  test('an explicit parent is the parent, wherever the span is started', () => {
    const parent = tracer.startSpan('parent', { attributes: { 'gen_ai.agent.name': 'p' } });
    const inParent = trace.setSpan(context.active(), parent);
    tracer.startActiveSpan('other', { attributes: { 'gen_ai.agent.name': 'o' } }, () => {
      const child = tracer.startSpan('child', {}, inParent);
      context.with(trace.setSpan(context.active(), child), () => {
        expect(sampled()).toEqual({ agent_name: 'p', ...ids(child, parent) });
      });
      tracer.startActiveSpan('root', { root: true }, (root) => {
        expect(sampled()).toEqual(ids(root));
      });
    });
  });

  test('a remote parent: the first span here is the local root', () => {
    const remote = {
      traceId: '1'.repeat(32),
      spanId: '2'.repeat(16),
      traceFlags: 1,
      isRemote: true,
    };
    context.with(trace.setSpanContext(ROOT_CONTEXT, remote), () => {
      expect(sampled()).toEqual({});
      tracer.startActiveSpan('server', (server) => {
        expect(server.spanContext().traceId).toBe(remote.traceId);
        expect(sampled()).toEqual(ids(server));
        tracer.startActiveSpan('inside', (inside) => {
          expect(sampled()).toEqual(ids(inside, server));
        });
        server.end();
      });
    });
    expect(sdk.spanNamed('server').attributes['pyroscope.profile.id']).toBe(
      sdk.spanNamed('server').spanContext().spanId,
    );
  });

  test('a span that is not recorded belongs to its nearest recorded ancestor', () => {
    const unrecorded = (traceId: string) =>
      trace.wrapSpanContext({ traceId, spanId: '3'.repeat(16), traceFlags: 0 });
    tracer.startActiveSpan('outer', (outer) => {
      const { traceId } = outer.spanContext();
      context.with(trace.setSpan(context.active(), unrecorded(traceId)), () => {
        expect(sampled()).toEqual(ids(outer));
      });
      const elsewhere = trace.setSpan(context.active(), unrecorded('4'.repeat(32)));
      context.with(elsewhere, () => expect(sampled()).toEqual({}));
    });
  });

  test('work about which nothing is traced stays with whoever asked for it', () => {
    tracer.startActiveSpan('outer', (outer) => {
      context.with(suppressTracing(context.active()), () => expect(sampled()).toEqual(ids(outer)));
    });
    const ended = tracer.startSpan('ended');
    const suppressed = suppressTracing(trace.setSpan(ROOT_CONTEXT, ended));
    context.with(suppressed, () => expect(sampled()).toEqual({}));
  });

  test('spans of a provider that nobody registered', async () => {
    const provider = new BasicTracerProvider();
    await provider.getTracer('own').startActiveSpan('outer', async (outer) => {
      await sleep(1);
      expect(sampled()).toEqual(ids(outer));
      provider.getTracer('own').startActiveSpan('inner', (inner) => {
        expect(sampled()).toEqual(ids(inner, outer));
      });
    });
    await provider.shutdown();
  });

  test('what processors start when a span ends is not the work of any span', () => {
    const seen: unknown[] = [];
    const provider = new BasicTracerProvider({
      spanProcessors: [
        {
          onStart: () => {},
          onEnd: () => seen.push(sampled()),
          forceFlush: async () => {},
          shutdown: async () => {},
        },
      ],
    });
    provider.getTracer('own').startActiveSpan('outer', (outer) => {
      outer.end();
      expect(sampled()).toEqual(ids(outer));
    });
    expect(seen).toEqual([{}]);
  });
});

test('unsampled traces: no scope is opened, and labels of the application stay', async () => {
  await start(options);
  sdk = registerSdk({ sampler: new AlwaysOffSampler() });
  const before = status().scopes?.opened;
  run({ agent_name: 'a' }, () => {
    trace.getTracer('test').startActiveSpan('outer', (outer) => {
      expect(outer.isRecording()).toBe(false);
      expect(sampled()).toEqual({ agent_name: 'a' });
      trace.getTracer('test').startActiveSpan('inner', (inner) => inner.end());
      outer.end();
    });
  });
  expect(status().otel).toEqual({ state: 'linked', spans: 0, failures: 0 });
  expect(status().scopes?.opened).toBe((before ?? 0) + 1);
  await stop();
  await sdk.unregister();
});

test('a context manager registered again after disable() is found', async () => {
  await start(options);
  for (let round = 0; round < 3; round++) {
    sdk = registerSdk();
    trace.getTracer('test').startActiveSpan('span', (span) => expect(sampled()).toEqual(ids(span)));
    await sdk.unregister();
  }
  await stop();
});
