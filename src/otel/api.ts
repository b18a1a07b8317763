/**
 * What spanprof touches of `@opentelemetry/api`, by shape. Nothing of OpenTelemetry is loaded: the
 * keys are registered symbols, equal in every copy and version of the API package, and all objects
 * are the application's. `test/otel/shapes.test.ts` checks that the real types fit.
 */

/** Where every copy of the API 1.x in the process finds what was registered. */
export const API_KEY: symbol = Symbol.for('opentelemetry.js.api.1');
/** The span in a context. */
export const SPAN_KEY: symbol = Symbol.for('OpenTelemetry Context Key SPAN');
/** Set in a context in which nothing is traced: exporters at work, calls inside an SDK. */
export const SUPPRESSED_KEY: symbol = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

export interface OtelContext {
  getValue(key: symbol): unknown;
}

export interface OtelSpan {
  spanContext(): OtelSpanContext;
  isRecording(): boolean;
  setAttribute(key: string, value: string | number): unknown;
  end(...args: never[]): void;
}

export interface OtelSpanContext {
  readonly traceId: string;
  readonly spanId: string;
}

/** What spans of the SDKs carry besides; other implementations need not. */
export interface ReadableSpan extends OtelSpan {
  readonly name?: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** SDK 2 and newer. */
  readonly parentSpanContext?: OtelSpanContext | undefined;
  /** SDK 1. */
  readonly parentSpanId?: string | undefined;
}

export interface OtelContextManager {
  active(): OtelContext;
  with(context: OtelContext, fn: AnyFunction, thisArg?: unknown, ...args: unknown[]): unknown;
  /** An experiment that managers need not have. */
  attach?(context: OtelContext): OtelAttachment;
}

export interface OtelAttachment {
  /** Puts the context in force that was before; only the first time. */
  dispose(): void;
}

export interface OtelTracerProvider {
  getTracer(name: string): object;
}

/** What the API package registers as `trace`; the provider proper comes in through `setDelegate`. */
export interface OtelProxyTracerProvider extends OtelTracerProvider {
  getDelegate(): OtelTracerProvider;
  setDelegate(delegate: OtelTracerProvider): void;
}

export interface OtelStartOptions {
  readonly root?: boolean | undefined;
}

export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** The span in a context, if any. */
export function spanIn(context: OtelContext | undefined): ReadableSpan | undefined {
  return (context?.getValue(SPAN_KEY) ?? undefined) as ReadableSpan | undefined;
}
