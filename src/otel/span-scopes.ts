/**
 * One scope for each recording span: opened when the span starts, inside its parent's, and entered
 * whenever the span is active.
 */
import { type Bill, LATE, payerOf } from '../attribution/bill.ts';
import type { ScopeContext } from '../attribution/context.ts';
import type { LabelInput } from '../attribution/labels.ts';
import type { Scope } from '../attribution/scope.ts';
import type { Labels } from '../profile/model.ts';
import type { OtelSpan, ReadableSpan } from './api.ts';
import { PROFILE_ID, writeBill } from './attributes.ts';
import { type GenAiMeaning, meaningOf } from './genai.ts';
import { Notes } from './notes.ts';

interface SpanRecord {
  scope: Scope;
  /** The scope in force where the trace entered this process; none if undefined. */
  readonly outside: Scope | undefined;
  /** Until the span ends. */
  parent: SpanRecord | undefined;
  isEnded: boolean;
  /** Tokens that spans inside this one have reported already. */
  inputTokens: number;
  outputTokens: number;
}

/** Spans that are never ended must not pile up: beyond this many the oldest are found by object only. */
const MAX_LIVE = 10_000;

/** The scope to enter, none if undefined. */
export type Switch = { readonly scope: Scope | undefined } | undefined;

export class SpanScopes {
  readonly #records = new Notes<SpanRecord>();
  /** Spans that have not ended, by id: instrumentations also name a parent by its id alone. */
  readonly #live = new Map<string, SpanRecord>();
  readonly #context: ScopeContext;
  readonly #adopt: (span: OtelSpan) => void;
  #spans = 0;

  /** `adopt` is called with the first sight of each span. */
  constructor(context: ScopeContext, adopt: (span: OtelSpan) => void) {
    this.#context = context;
    this.#adopt = adopt;
  }

  /** Recording spans seen. */
  get spans(): number {
    return this.#spans;
  }

  /**
   * For every activation: which scope belongs to `span`, entered while `active` is the active span.
   * Undefined: the one in force is right.
   *
   * A span that is not recorded belongs to its nearest recorded ancestor, so nothing changes unless
   * it is of another trace.
   */
  switchFor(span: ReadableSpan | undefined, active: ReadableSpan | undefined): Switch {
    if (span === active) return undefined;
    const known = span === undefined ? undefined : this.#recordOf(span);
    if (known !== undefined) return known;
    if (span?.isRecording() === true) return this.open(span, undefined, active);
    const left = active === undefined ? undefined : this.#records.get(active);
    if (left === undefined) return undefined;
    if (span?.spanContext().traceId === active?.spanContext().traceId) return undefined;
    return { scope: left.outside };
  }

  /**
   * Opens the scope of a recording span that started under `parent` (if known) while `active` was
   * active. Undefined without a started agent.
   */
  open(
    span: ReadableSpan,
    parent: ReadableSpan | undefined,
    active: ReadableSpan | undefined,
  ): SpanRecord | undefined {
    const known = this.#recordOf(span);
    if (known !== undefined) return known;
    this.#adopt(span);
    const current = this.#context.storage.getStore();
    const left = active === undefined ? undefined : this.#records.get(active);
    const above = left !== undefined && parent === active ? left : this.#parentOf(span, parent);
    let outside = left === undefined ? current : left.outside;
    let around = outside;
    if (above !== undefined) {
      outside = above.outside;
      // In the active parent the scope in force is the parent's or one opened in it, by the application say;
      // or neither, where somebody made the parent active behind the manager's back.
      const isInForce = above === left && current !== undefined && isInside(current, above.scope);
      around = isInForce ? current : above.scope;
    }
    const meaning = meaningOf(span.name, span.attributes ?? {});
    const { traceId, spanId } = span.spanContext();
    const inherited = around?.labels;
    const isLocalRoot = inherited?.['trace_id'] !== traceId;
    const scope = this.#context.openScope(
      {
        ...meaning?.labels,
        trace_id: traceId,
        span_id: spanId,
        root_span_id: isLocalRoot ? spanId : (inherited['root_span_id'] ?? spanId),
      },
      { parent: around, kind: meaning?.isInvocation === true ? 'invocation' : 'span' },
    );
    if (scope === undefined) return undefined;
    const record: SpanRecord = {
      scope,
      outside,
      parent: above,
      isEnded: false,
      inputTokens: 0,
      outputTokens: 0,
    };
    this.#records.set(span, record);
    this.#keepLive(spanId, record);
    this.#spans++;
    if (isLocalRoot) span.setAttribute(PROFILE_ID, spanId);
    return record;
  }

  #parentOf(span: ReadableSpan, parent: ReadableSpan | undefined): SpanRecord | undefined {
    const byObject = parent === undefined ? undefined : this.#records.get(parent);
    if (byObject !== undefined) return byObject;
    const parentId = span.parentSpanContext?.spanId ?? span.parentSpanId;
    return parentId === undefined ? undefined : this.#live.get(parentId);
  }

  #keepLive(spanId: string, record: SpanRecord): void {
    this.#live.set(spanId, record);
    if (this.#live.size <= MAX_LIVE) return;
    for (const oldest of this.#live.keys()) {
      this.#live.delete(oldest);
      break;
    }
  }

  /** Also of an object that some instrumentation wraps around a span. */
  #recordOf(span: OtelSpan): SpanRecord | undefined {
    const known = this.#records.get(span);
    // Where nothing is sampled there is nothing to look for.
    if (known !== undefined || this.#live.size === 0) return known;
    const record = this.#live.get(span.spanContext().spanId);
    if (record !== undefined) this.#records.set(span, record);
    return record;
  }

  /** The scope of a span that somebody holds without having made it active; `labels` are added to it. */
  scopeOf(span: OtelSpan, labels: LabelInput): Scope | undefined {
    const scope = this.#recordOf(span)?.scope;
    if (scope !== undefined) this.#context.relabel(scope, labels);
    return scope;
  }

  /** Opens a scope for a span that starts after the work it is about. */
  reserve(labels: LabelInput, parent: Scope | undefined): Scope | undefined {
    const around = parent ?? this.#context.storage.getStore();
    return this.#context.openScope(labels, { parent: around, kind: 'span' });
  }

  /** The span has started; in a scope of its own, in which nothing has run. */
  redeem(span: OtelSpan, reserved: Scope): void {
    const record = this.#recordOf(span);
    if (record === undefined || record.isEnded) return;
    this.release(record.scope);
    this.#context.relabel(reserved, { ...record.scope.labels, ...reserved.labels });
    this.#context.relabel(reserved, idsOf(record.scope.labels));
    record.scope = reserved;
  }

  release(reserved: Scope): void {
    this.#context.ledger?.close(reserved);
  }

  /** A relevant attribute (genai.ts) was set after the start: it may say who the span is. */
  attributeSet(span: ReadableSpan, key: string, value: unknown): void {
    const record = this.#records.get(span);
    if (record === undefined || record.isEnded) return;
    this.#relabel(record, meaningOf(span.name, span.attributes ?? { [key]: value }));
  }

  #relabel(record: SpanRecord, meaning: GenAiMeaning | undefined): void {
    const labels: LabelInput | undefined = meaning?.labels;
    if (labels !== undefined) this.#context.relabel(record.scope, labels);
  }

  /** Called while the span can still be written to: puts the bill on it. */
  ending(span: ReadableSpan): void {
    const record = this.open(span, undefined, undefined);
    if (record === undefined || record.isEnded) return;
    record.isEnded = true;
    this.#live.delete(span.spanContext().spanId);
    const meaning = meaningOf(span.name, span.attributes ?? {});
    this.#relabel(record, meaning);
    if (meaning !== undefined) this.#countTokens(record, meaning);
    const { parent } = record;
    if (parent !== undefined) {
      parent.inputTokens += record.inputTokens;
      parent.outputTokens += record.outputTokens;
      record.parent = undefined;
    }
    const totals = this.#context.ledger?.closeSpan(record.scope);
    if (totals !== undefined) writeBill(span, totals);
  }

  /** A call of a model, the step around it and the agent's run may all state the same tokens. */
  #countTokens(record: SpanRecord, meaning: GenAiMeaning): void {
    const inputTokens = Math.max(0, meaning.inputTokens - record.inputTokens);
    const outputTokens = Math.max(0, meaning.outputTokens - record.outputTokens);
    record.inputTokens += inputTokens;
    record.outputTokens += outputTokens;
    if (inputTokens + outputTokens === 0) return;
    this.#context.ledger?.addTokens(record.scope, { inputTokens, outputTokens });
  }
}

/** By their bills; where nothing is billed all are inside of each other. */
function isInside(scope: Scope, around: Scope): boolean {
  // Bills that are done do not say what they were inside of.
  if (payerOf(scope.bill) === LATE) return payerOf(around.bill) === LATE;
  let { bill }: { bill: Bill | undefined } = scope;
  while (bill !== undefined && bill !== around.bill) bill = bill.parent;
  return bill !== undefined;
}

function idsOf(labels: Labels): LabelInput {
  const { trace_id, span_id, root_span_id } = labels;
  return { trace_id, span_id, root_span_id };
}
