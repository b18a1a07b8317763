/**
 * The one table of what instrumentations of agents write on their spans, and what it means to us.
 * `docs/opentelemetry.md` shows the same table; a test keeps the two equal.
 */

export type GenAiLabel = 'agent_name' | 'tool_name' | 'session_id' | 'invocation_id' | 'model';
export type TokenCount = 'inputTokens' | 'outputTokens';

/** Stands for the span's name where a row wants an attribute. */
export const SPAN_NAME = 'span name';

interface Row {
  /** Span attribute, or `SPAN_NAME`. */
  readonly attribute: string;
  readonly means: GenAiLabel | TokenCount | 'invocation';
  /** Counts only if another attribute of the span has one of these values. */
  readonly when?: { readonly attribute: string; readonly isOneOf: readonly string[] };
  /** For `invocation`: the values that say so. */
  readonly isOneOf?: readonly string[];
  /** The value begins with this, and what follows is meant. */
  readonly after?: string;
}

const openInferenceKind = (...isOneOf: string[]) => ({
  attribute: 'openinference.span.kind',
  isOneOf,
});
const traceloopKind = (...isOneOf: string[]) => ({ attribute: 'traceloop.span.kind', isOneOf });

/** Of several attributes that mean the same label the first in this order wins. */
export const GENAI_TABLE: readonly Row[] = [
  // OpenTelemetry's GenAI conventions, names in use and names of earlier versions.
  { attribute: 'gen_ai.agent.name', means: 'agent_name' },
  { attribute: 'gen_ai.tool.name', means: 'tool_name' },
  { attribute: 'gen_ai.conversation.id', means: 'session_id' },
  { attribute: 'gen_ai.request.model', means: 'model' },
  { attribute: 'gen_ai.response.model', means: 'model' },
  { attribute: 'gen_ai.usage.input_tokens', means: 'inputTokens' },
  { attribute: 'gen_ai.usage.prompt_tokens', means: 'inputTokens' },
  { attribute: 'gen_ai.usage.output_tokens', means: 'outputTokens' },
  { attribute: 'gen_ai.usage.completion_tokens', means: 'outputTokens' },
  { attribute: 'gen_ai.operation.name', means: 'invocation', isOneOf: ['invoke_agent'] },
  // The conventions' span names: known at the start, when attributes often are not.
  { attribute: SPAN_NAME, means: 'agent_name', after: 'invoke_agent ' },
  { attribute: SPAN_NAME, means: 'invocation', after: 'invoke_agent ' },
  { attribute: SPAN_NAME, means: 'tool_name', after: 'execute_tool ' },
  // Google's Agent Development Kit.
  { attribute: 'gcp.vertex.agent.session_id', means: 'session_id' },
  { attribute: 'gcp.vertex.agent.invocation_id', means: 'invocation_id' },
  // Vercel AI SDK.
  { attribute: 'ai.telemetry.functionId', means: 'agent_name' },
  { attribute: 'ai.toolCall.name', means: 'tool_name' },
  { attribute: 'ai.telemetry.metadata.sessionId', means: 'session_id' },
  { attribute: 'ai.telemetry.metadata.invocationId', means: 'invocation_id' },
  { attribute: 'ai.model.id', means: 'model' },
  { attribute: 'ai.usage.inputTokens', means: 'inputTokens' },
  { attribute: 'ai.usage.promptTokens', means: 'inputTokens' },
  { attribute: 'ai.usage.outputTokens', means: 'outputTokens' },
  { attribute: 'ai.usage.completionTokens', means: 'outputTokens' },
  {
    attribute: 'ai.operationId',
    means: 'invocation',
    isOneOf: ['ai.generateText', 'ai.streamText', 'ai.generateObject', 'ai.streamObject'],
  },
  // OpenInference.
  { attribute: 'agent.name', means: 'agent_name' },
  { attribute: 'tool.name', means: 'tool_name' },
  { attribute: 'session.id', means: 'session_id' },
  { attribute: 'llm.model_name', means: 'model' },
  { attribute: 'llm.token_count.prompt', means: 'inputTokens' },
  { attribute: 'llm.token_count.completion', means: 'outputTokens' },
  { attribute: SPAN_NAME, means: 'agent_name', when: openInferenceKind('AGENT') },
  { attribute: SPAN_NAME, means: 'tool_name', when: openInferenceKind('TOOL') },
  { attribute: 'openinference.span.kind', means: 'invocation', isOneOf: ['AGENT'] },
  // OpenLLMetry.
  {
    attribute: 'traceloop.entity.name',
    means: 'agent_name',
    when: traceloopKind('agent', 'workflow'),
  },
  { attribute: 'traceloop.entity.name', means: 'tool_name', when: traceloopKind('tool') },
  { attribute: 'traceloop.association.properties.session_id', means: 'session_id' },
  { attribute: 'traceloop.association.properties.invocation_id', means: 'invocation_id' },
  { attribute: 'llm.usage.prompt_tokens', means: 'inputTokens' },
  { attribute: 'llm.usage.completion_tokens', means: 'outputTokens' },
  { attribute: 'traceloop.span.kind', means: 'invocation', isOneOf: ['agent', 'workflow'] },
  // Names without a prefix, as agent frameworks of our own make them.
  { attribute: 'session_id', means: 'session_id' },
  { attribute: 'invocation_id', means: 'invocation_id' },
];

/** What the attributes of one span say. */
export interface GenAiMeaning {
  readonly labels: Readonly<Partial<Record<GenAiLabel, string>>>;
  /** The whole run of an agent, to be billed as an invocation. */
  readonly isInvocation: boolean;
  /** As the span states them; spans around it may state the same tokens again. */
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const relevant: ReadonlySet<string> = new Set(
  GENAI_TABLE.flatMap(({ attribute, when }) =>
    when === undefined ? [attribute] : [attribute, when.attribute],
  ),
);
type RankedRows = readonly (readonly [rank: number, row: Row])[];
const byAttribute = new Map<string, RankedRows>();
for (const [rank, row] of GENAI_TABLE.entries()) {
  byAttribute.set(row.attribute, [...(byAttribute.get(row.attribute) ?? []), [rank, row]]);
}
const nameRows: RankedRows = byAttribute.get(SPAN_NAME) ?? [];

/** Whether an attribute can mean anything to us. */
export function isRelevant(attribute: string): boolean {
  return relevant.has(attribute);
}

/** Undefined if name and attributes say nothing, as those of most spans do. */
export function meaningOf(
  name: string | undefined,
  attributes: Readonly<Record<string, unknown>>,
): GenAiMeaning | undefined {
  let found = note(nameRows, name, attributes, undefined);
  for (const attribute in attributes) {
    const rows = byAttribute.get(attribute);
    // Of most attributes this is all there is to know.
    if (rows === undefined) continue;
    found = note(rows, attributes[attribute], attributes, found);
  }
  return found === undefined ? undefined : summarize(found);
}

type Found = Map<Row['means'], readonly [rank: number, value: unknown]>;

function note(
  rows: RankedRows,
  value: unknown,
  attributes: Readonly<Record<string, unknown>>,
  before: Found | undefined,
): Found | undefined {
  let found = before;
  if (value === undefined) return found;
  for (const [rank, row] of rows) {
    const meant = row.after === undefined ? value : rest(value, row.after);
    if (meant === undefined || !holds(row, value, attributes)) continue;
    found ??= new Map();
    const known = found.get(row.means);
    if (known === undefined || rank < known[0]) found.set(row.means, [rank, meant]);
  }
  return found;
}

function rest(value: unknown, after: string): string | undefined {
  return typeof value === 'string' && value.startsWith(after)
    ? value.slice(after.length)
    : undefined;
}

function holds(row: Row, value: unknown, attributes: Readonly<Record<string, unknown>>): boolean {
  if (row.isOneOf !== undefined) return row.isOneOf.includes(String(value));
  if (row.when === undefined) return true;
  return row.when.isOneOf.includes(String(attributes[row.when.attribute]));
}

function summarize(found: Found): GenAiMeaning {
  const labels: Partial<Record<GenAiLabel, string>> = {};
  let isInvocation = false;
  const tokens = { inputTokens: 0, outputTokens: 0 };
  for (const [means, [, value]] of found) {
    if (means === 'invocation') isInvocation = true;
    else if (means === 'inputTokens' || means === 'outputTokens') tokens[means] = count(value);
    else if (typeof value === 'string' || typeof value === 'number') labels[means] = String(value);
  }
  return { labels, isInvocation, ...tokens };
}

/** A span may say anything; what is not a count counts nothing. */
function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
