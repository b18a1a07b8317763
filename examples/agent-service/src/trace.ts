import { randomBytes } from 'node:crypto';

/** A W3C trace context: which trace we are in, and which span is the current one. */
export interface TraceContext {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
const ALL_ZERO = /^0+$/;

/** Continues the caller's trace in a new span; starts a trace when the header is absent or invalid. */
export function continueTrace(traceparent: string | undefined): TraceContext {
  const [, traceId, parentId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (!traceId || !parentId || !flags || ALL_ZERO.test(traceId) || ALL_ZERO.test(parentId)) {
    return { traceId: randomBytes(16).toString('hex'), spanId: newSpanId(), sampled: true };
  }
  return { traceId, spanId: newSpanId(), sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** A span below `parent` in the same trace. */
export function childSpan(parent: TraceContext): TraceContext {
  return { ...parent, spanId: newSpanId() };
}

/** The header that hands `context` on to another service. */
export function formatTraceparent(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-${context.sampled ? '01' : '00'}`;
}

function newSpanId(): string {
  return randomBytes(8).toString('hex');
}
