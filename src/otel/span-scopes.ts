/**
 * One scope for each recording span: opened when the span starts, inside its parent's, and entered
 * whenever the span is active.
 */
import type { ScopeContext } from '../attribution/context.ts';
import type { LabelInput } from '../attribution/labels.ts';
import type { Scope } from '../attribution/scope.ts';
import type { OtelSpan, OtelSpanContext, ReadableSpan } from './api.ts';
import { billAttributes, PROFILE_ID } from './attributes.ts';
import { type GenAiMeaning, isRelevant, meaningOf } from './genai.ts';

interface SpanRecord {
  readonly scope: Scope;
  /** The scope in force where the trace entered this process; none if undefined. */
  readonly outside: Scope | undefined;
  /** Until the span ends. */
  parent: SpanRecord | undefined;
  isEnded: boolean;
  /** Tokens that spans inside this one have reported already. */
  inputTokens: number;
  outputTokens: number;
}

/** `change`: the scope to enter, none if undefined. */
export type Switch = { readonly scope: Scope | undefined } | undefined;

export class SpanScopes {
  readonly #records = new WeakMap<OtelSpan, SpanRecord>();
  readonly #context: ScopeContext;
  #spans = 0;

  constructor(context: ScopeContext) {
    this.#context = context;
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
    const known = span === undefined ? undefined : this.#records.get(span);
    if (known !== undefined) return known;
    if (span?.isRecording() === true) return this.open(span, parentOf(span, active), active);
    const left = active === undefined ? undefined : this.#records.get(active);
    if (left === undefined) return undefined;
    if (span?.spanContext().traceId === active?.spanContext().traceId) return undefined;
    return { scope: left.outside };
  }

  /** Opens the scope of a recording span that started under `parent`, while `active` was active. */
  open(
    span: ReadableSpan,
    parent: ReadableSpan | undefined,
    active: ReadableSpan | undefined,
  ): SpanRecord | undefined {
    const known = this.#records.get(span);
    if (known !== undefined) return known;
    const current = this.#context.storage.getStore();
    const above = parent === undefined ? undefined : this.#records.get(parent);
    const left = active === undefined ? undefined : this.#records.get(active);
    const outside =
      above === undefined ? (left === undefined ? current : left.outside) : above.outside;
    // Inside the active parent the scope in force is the parent's or one the application opened in it.
    const around = above !== undefined && parent !== active ? above.scope : current;
    const scopeAround = above === undefined ? outside : around;
    const meaning = meaningOf(span.attributes ?? {});
    const { traceId, spanId } = span.spanContext();
    const inherited = scopeAround?.labels;
    const isLocalRoot = inherited?.['trace_id'] !== traceId;
    const scope = this.#context.openScope(
      {
        ...meaning?.labels,
        trace_id: traceId,
        span_id: spanId,
        root_span_id: isLocalRoot ? spanId : (inherited['root_span_id'] ?? spanId),
      },
      { parent: scopeAround, kind: meaning?.isInvocation === true ? 'invocation' : 'span' },
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
    this.#spans++;
    if (isLocalRoot) span.setAttribute(PROFILE_ID, spanId);
    return record;
  }

  /** An attribute was set after the start: it may say who the span is. */
  attributeSet(span: ReadableSpan, key: string, value: unknown): void {
    if (!isRelevant(key)) return;
    const record = this.#records.get(span);
    if (record === undefined || record.isEnded) return;
    this.#relabel(record, meaningOf(span.attributes ?? { [key]: value }));
  }

  #relabel(record: SpanRecord, meaning: GenAiMeaning | undefined): void {
    const labels: LabelInput | undefined = meaning?.labels;
    if (labels !== undefined) this.#context.relabel(record.scope, labels);
  }

  /** Called while the span can still be written to: puts the bill on it. */
  ending(span: ReadableSpan): void {
    const record = this.#records.get(span) ?? this.open(span, parentOf(span, undefined), undefined);
    if (record === undefined || record.isEnded) return;
    record.isEnded = true;
    const meaning = meaningOf(span.attributes ?? {});
    this.#relabel(record, meaning);
    if (meaning !== undefined) this.#countTokens(record, meaning);
    const { parent } = record;
    if (parent !== undefined) {
      parent.inputTokens += record.inputTokens;
      parent.outputTokens += record.outputTokens;
      record.parent = undefined;
    }
    const usage = this.#context.ledger?.close(record.scope);
    if (usage === undefined) return;
    const attributes = billAttributes(usage);
    for (const key in attributes) span.setAttribute(key, attributes[key] ?? 0);
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

/** The active span, if `span` says that it is its parent. */
function parentOf(span: ReadableSpan, active: ReadableSpan | undefined): ReadableSpan | undefined {
  const parentId = span.parentSpanContext?.spanId ?? span.parentSpanId;
  const activeContext: OtelSpanContext | undefined = active?.spanContext();
  return parentId !== undefined && activeContext?.spanId === parentId ? active : undefined;
}
