/** What span attributes mean, and that labels follow them. */
import { trace } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agent } from '../../src/agent.ts';
import { start, stop } from '../../src/index.ts';
import { GENAI_TABLE, isRelevant, meaningOf, SPAN_NAME } from '../../src/otel/genai.ts';
import { read, section, tableRows } from '../docs/pages.ts';
import { registerSdk, type Sdk } from './sdk.ts';

const nothing = { labels: {}, isInvocation: false, inputTokens: 0, outputTokens: 0 };

test.each([
  [
    'GenAI, an agent',
    { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'a' },
    'agent_name',
    'a',
    true,
  ],
  [
    'GenAI, a tool',
    { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 't' },
    'tool_name',
    't',
    false,
  ],
  ['GenAI, a session', { 'gen_ai.conversation.id': 's' }, 'session_id', 's', false],
  [
    'GenAI, a model',
    { 'gen_ai.request.model': 'm', 'gen_ai.response.model': 'm-2' },
    'model',
    'm',
    false,
  ],
  [
    'Vercel, an agent',
    { 'ai.operationId': 'ai.streamText', 'ai.telemetry.functionId': 'a' },
    'agent_name',
    'a',
    true,
  ],
  [
    'Vercel, a call',
    { 'ai.operationId': 'ai.streamText.doStream', 'ai.model.id': 'm' },
    'model',
    'm',
    false,
  ],
  ['Vercel, a tool', { 'ai.toolCall.name': 't' }, 'tool_name', 't', false],
  ['OpenInference, a session', { 'session.id': 's' }, 'session_id', 's', false],
  [
    'OpenLLMetry, an agent',
    { 'traceloop.span.kind': 'agent', 'traceloop.entity.name': 'a' },
    'agent_name',
    'a',
    true,
  ],
  [
    'OpenLLMetry, a tool',
    { 'traceloop.entity.name': 't', 'traceloop.span.kind': 'tool' },
    'tool_name',
    't',
    false,
  ],
  ['a number as an id', { session_id: 7 }, 'session_id', '7', false],
  [
    'the more specific name',
    { 'agent.name': 'b', 'gen_ai.agent.name': 'a' },
    'agent_name',
    'a',
    false,
  ],
] as const)('%s', (_case, attributes, label, value, isInvocation) => {
  expect(meaningOf('span', attributes)).toEqual({
    ...nothing,
    labels: { [label]: value },
    isInvocation,
  });
});

test('names of spans', () => {
  expect(meaningOf('invoke_agent planner', {})).toEqual({
    ...nothing,
    labels: { agent_name: 'planner' },
    isInvocation: true,
  });
  expect(meaningOf('execute_tool search', {})?.labels).toEqual({ tool_name: 'search' });
  const kind = (value: string) => ({ 'openinference.span.kind': value });
  expect(meaningOf('search', kind('TOOL'))?.labels).toEqual({ tool_name: 'search' });
  expect(meaningOf('planner', kind('AGENT'))?.labels).toEqual({ agent_name: 'planner' });
  expect(meaningOf('step', kind('CHAIN'))).toBeUndefined();
});

test.each([
  [{ 'gen_ai.usage.input_tokens': 3, 'gen_ai.usage.output_tokens': 4 }, 3, 4],
  [{ 'gen_ai.usage.prompt_tokens': 3, 'gen_ai.usage.completion_tokens': 4 }, 3, 4],
  [{ 'ai.usage.promptTokens': 3, 'ai.usage.completionTokens': 4 }, 3, 4],
  [{ 'ai.usage.inputTokens': 3, 'gen_ai.usage.input_tokens': 3 }, 3, 0],
  [{ 'llm.token_count.prompt': 3, 'llm.token_count.completion': 4 }, 3, 4],
  [{ 'llm.usage.prompt_tokens': 3, 'llm.usage.completion_tokens': 4 }, 3, 4],
  [{ 'gen_ai.usage.input_tokens': 'many', 'gen_ai.usage.output_tokens': -1 }, 0, 0],
  [{ 'gen_ai.usage.input_tokens': 1.5, 'gen_ai.usage.output_tokens': Number.NaN }, 0, 0],
])('tokens %#', (attributes, inputTokens, outputTokens) => {
  expect(meaningOf('chat', attributes)).toEqual({ ...nothing, inputTokens, outputTokens });
});

test('everything else means nothing', () => {
  expect(meaningOf('GET /', { 'http.request.method': 'GET', 'url.path': '/' })).toBeUndefined();
  expect(meaningOf(undefined, {})).toBeUndefined();
  const odd = { 'gen_ai.agent.name': ['a'], 'gen_ai.tool.name': true, 'session.id': undefined };
  expect(meaningOf('x', odd)?.labels).toEqual({});
  expect(isRelevant('traceloop.span.kind')).toBe(true);
  expect(isRelevant('http.route')).toBe(false);
});

test('docs/opentelemetry.md shows the table', () => {
  const shown = tableRows(section(read('docs/opentelemetry.md'), '## Agents, tools, tokens'));
  const names = (cell: string) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, name]) => name);
  const described = shown.flatMap(([means = '', from = '']) =>
    names(from).map((attribute) => `${names(means)[0]} ${attribute}`),
  );
  const inCode = GENAI_TABLE.filter(({ attribute }) => attribute !== SPAN_NAME).map(
    ({ attribute, means }) => `${means} ${attribute}`,
  );
  expect(described.sort()).toEqual([...new Set(inCode)].sort());
});

describe('labels of spans', () => {
  let sdk: Sdk;
  const labels = () => agent.context.storage.getStore()?.labels ?? {};
  beforeAll(async () => {
    sdk = registerSdk();
    await start({ exporters: [], heap: { enabled: false } });
  });
  afterAll(async () => {
    await stop();
    await sdk.unregister();
  });

  test('are inherited, and taken over when they are set later', () => {
    const tracer = trace.getTracer('test');
    tracer.startActiveSpan('invoke_agent planner', (outer) => {
      expect(labels()).toMatchObject({ agent_name: 'planner' });
      outer.setAttributes({ 'gen_ai.conversation.id': 's-1', 'http.route': '/' });
      tracer.startActiveSpan('chat', { attributes: { 'gen_ai.request.model': 'm' } }, (chat) => {
        expect(labels()).toMatchObject({ agent_name: 'planner', session_id: 's-1', model: 'm' });
        chat.end();
        chat.setAttribute('gen_ai.request.model', 'too late');
        expect(labels()).toMatchObject({ model: 'm' });
      });
      tracer.startActiveSpan('step', (step) => {
        expect(labels()).not.toHaveProperty('tool_name');
        step.setAttribute('gen_ai.tool.name', 'search');
        expect(labels()).toMatchObject({ agent_name: 'planner', tool_name: 'search' });
        expect(labels()).toHaveProperty('span_id', step.spanContext().spanId);
      });
      outer.end();
    });
  });
});
