import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { run } from 'spanprof';
import type { LlmClient } from './llm-client.ts';
import { remember } from './sessions.ts';
import { findTool } from './tools/index.ts';
import { childSpan, type TraceContext } from './trace.ts';
import type {
  Agent,
  InvocationResult,
  Message,
  Session,
  Step,
  ToolCall,
  ToolContext,
} from './types.ts';

/** Rounds of model and tools in one invocation; a model that wants more is going in circles. */
const MAX_ROUNDS = 8;

export interface Services {
  readonly llm: LlmClient;
  readonly readDocument: ToolContext['readDocument'];
}

/** One invocation under way. */
interface Invocation {
  readonly agent: Agent;
  readonly session: Session;
  readonly trace: TraceContext;
  readonly services: Services;
  readonly steps: Step[];
}

/**
 * Lets `agent` answer `input` within `session`: model, tools, model, until the model is done.
 * Rejects with `UpstreamError` when the model fails; a tool that fails is reported to the model.
 */
export async function invoke(
  agent: Agent,
  session: Session,
  input: string,
  trace: TraceContext,
  services: Services,
): Promise<InvocationResult> {
  const invocationId = randomUUID();
  const invocation: Invocation = { agent, session, trace, services, steps: [] };
  const scope = {
    agent_name: agent.name,
    session_id: session.id,
    invocation_id: invocationId,
    trace_id: trace.traceId,
    span_id: trace.spanId,
  };
  const answer = await run(scope, () => converse(invocation, input));
  return {
    invocation_id: invocationId,
    trace_id: trace.traceId,
    span_id: trace.spanId,
    answer,
    steps: invocation.steps,
  };
}

async function converse(invocation: Invocation, input: string): Promise<string> {
  const { agent, session } = invocation;
  const messages: Message[] = [
    { role: 'system', content: agent.instructions },
    ...session.history,
    { role: 'user', content: input },
  ];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const reply = await askModel(invocation, messages);
    if (!reply.tool_calls) {
      remember(session, input, reply.content);
      return reply.content;
    }
    const results = reply.tool_calls.map((call) => runTool(invocation, call));
    messages.push(reply, ...(await Promise.all(results)));
  }
  return 'No answer: the model kept asking for tools.';
}

function askModel(invocation: Invocation, messages: readonly Message[]): Promise<Message> {
  const { agent, services, steps } = invocation;
  const trace = childSpan(invocation.trace);
  const tools = agent.tools.flatMap((name) => {
    const tool = findTool(name);
    return tool ? [{ name: tool.name, description: tool.description }] : [];
  });
  return run({ span_id: trace.spanId }, async () => {
    const startMillis = performance.now();
    const reply = await services.llm.complete(agent.model, messages, tools, trace);
    steps.push(step('llm', agent.model, trace, startMillis));
    return reply;
  });
}

function runTool(invocation: Invocation, call: ToolCall): Promise<Message> {
  const { agent, session, services, steps } = invocation;
  const trace = childSpan(invocation.trace);
  const { name } = call.function;
  const tool = agent.tools.includes(name) ? findTool(name) : undefined;
  const answer = (content: string): Message => ({ role: 'tool', tool_call_id: call.id, content });
  if (!tool) return Promise.resolve(answer(`error: ${agent.name} has no tool of that name`));

  return run({ tool_name: tool.name, span_id: trace.spanId }, async () => {
    const startMillis = performance.now();
    try {
      const context = { workspace: session.workspace, readDocument: services.readDocument };
      const content = await tool.execute(parseArguments(call.function.arguments), context);
      steps.push(step('tool', tool.name, trace, startMillis));
      return answer(content);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      steps.push({ ...step('tool', tool.name, trace, startMillis), error: reason });
      return answer(`error: ${reason}`);
    }
  });
}

function parseArguments(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('tool arguments must be a JSON object');
  }
  return value as Record<string, unknown>;
}

function step(kind: Step['kind'], name: string, trace: TraceContext, startMillis: number): Step {
  const durationMillis = performance.now() - startMillis;
  return { kind, name, span_id: trace.spanId, duration_ms: Math.round(durationMillis * 10) / 10 };
}
