/** Tracers that return no span, or half of one: the application gets exactly that, and no error of ours. */
import { type Span, trace } from '@opentelemetry/api';
import { afterEach, expect, test } from 'vitest';
import { start, status, stop } from '../../src/index.ts';

afterEach(async () => {
  await stop();
  trace.disable();
});

test.each([
  ['undefined', undefined],
  ['null', null],
  ['an object without isRecording', { end: () => {} }],
])('startSpan gives %s', async (_what, given) => {
  class Tracer {
    startSpan() {
      return given as unknown as Span;
    }
  }
  const original = Tracer.prototype.startSpan;
  const tracer = new Tracer();
  trace.setGlobalTracerProvider({ getTracer: () => tracer as never });
  await start({ exporters: [], cpu: { enabled: false }, heap: { enabled: false } });
  expect(Tracer.prototype.startSpan).not.toBe(original);
  expect(trace.getTracer('test').startSpan('a')).toBe(given);
  expect(status().otel).toMatchObject({ spans: 0, failures: 0 });
});
