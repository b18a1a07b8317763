/** Where methods cannot be wrapped, `SpanprofSpanProcessor` tells of starts and ends instead. */
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { agent } from '../../src/agent.ts';
import { start, status, stop } from '../../src/index.ts';
import { SpanprofSpanProcessor } from '../../src/otel/index.ts';
import { burn } from './burn.ts';
import { registerSdk } from './sdk.ts';

test('spans and tracers with frozen prototypes', async () => {
  const tracer = new BasicTracerProvider().getTracer('frozen');
  Object.freeze(Object.getPrototypeOf(tracer));
  Object.freeze(Object.getPrototypeOf(tracer.startSpan('frozen')));
  await start({ exporters: [], windowSeconds: 3600 });
  const isBilled = agent.context.ledger !== undefined;
  const sdk = registerSdk({ before: [new SpanprofSpanProcessor()] });
  trace.getTracer('test').startActiveSpan('invoke_agent a', (outer) => {
    trace.getTracer('test').startActiveSpan('inner', (inner) => {
      expect(agent.context.labels()).toMatchObject({
        agent_name: 'a',
        root_span_id: outer.spanContext().spanId,
        span_id: inner.spanContext().spanId,
      });
      burn(10);
      inner.end();
    });
    outer.end();
  });
  expect(status().otel).toMatchObject({ state: 'linked', spans: 2, failures: 0 });
  await stop();
  const { attributes } = sdk.spanNamed('invoke_agent a');
  expect(attributes).toHaveProperty(['pyroscope.profile.id']);
  if (isBilled) expect(attributes['resource.cpu.micros']).toBeGreaterThan(2_000);
  await sdk.unregister();
});
