/** The types of the real API and SDK fit what we take them for. */
import type { Context, ContextManager, Span, TracerProvider } from '@opentelemetry/api';
import { createContextKey, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import type { ReadableSpan as SdkReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect, expectTypeOf, test } from 'vitest';
import {
  API_KEY,
  type OtelContext,
  type OtelSpan,
  type OtelTracerProvider,
  type ReadableSpan,
  SPAN_KEY,
  SUPPRESSED_KEY,
} from '../../src/otel/api.ts';
import type { SpanprofSpanProcessor } from '../../src/otel/index.ts';

test('types', () => {
  expectTypeOf<Context>().toExtend<OtelContext>();
  expectTypeOf<Span>().toExtend<OtelSpan>();
  expectTypeOf<Span & SdkReadableSpan>().toExtend<ReadableSpan>();
  expectTypeOf<TracerProvider>().toExtend<OtelTracerProvider>();
  expectTypeOf<ContextManager['active']>().returns.toExtend<OtelContext>();
  expectTypeOf<SpanprofSpanProcessor>().toExtend<SpanProcessor>();
});

test('keys', () => {
  expect(createContextKey('OpenTelemetry Context Key SPAN')).toBe(SPAN_KEY);
  const span = trace.wrapSpanContext({ traceId: '1', spanId: '2', traceFlags: 0 });
  expect(trace.setSpan(ROOT_CONTEXT, span).getValue(SPAN_KEY)).toBe(span);
  expect(suppressTracing(ROOT_CONTEXT).getValue(SUPPRESSED_KEY)).toBe(true);
  expect(API_KEY).toBe(Symbol.for('opentelemetry.js.api.1'));
});
