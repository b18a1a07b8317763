import { formatTraceparent, type TraceContext } from './trace.ts';
import type { Message, ToolCall } from './types.ts';

/** Longest wait for one answer; models that take longer are treated as down. */
const TIMEOUT_MILLIS = 15_000;

export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
}

/** Client of a chat-completion API. */
export class LlmClient {
  readonly #endpoint: URL;

  constructor(baseUrl: URL) {
    this.#endpoint = new URL('/v1/chat/completions', baseUrl);
  }

  /** The model's next message. Rejects with `UpstreamError` when there is none. */
  async complete(
    model: string,
    messages: readonly Message[],
    tools: readonly { name: string; description: string }[],
    trace: TraceContext,
  ): Promise<Message> {
    let response: Response;
    try {
      response = await fetch(this.#endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json', traceparent: formatTraceparent(trace) },
        body: JSON.stringify({
          model,
          messages,
          tools: tools.map((tool) => ({ type: 'function', function: tool })),
        }),
        signal: AbortSignal.timeout(TIMEOUT_MILLIS),
      });
      if (response.ok) return parseCompletion(await response.json());
      await response.body?.cancel();
    } catch (error) {
      if (error instanceof UpstreamError) throw error;
      throw new UpstreamError('the model cannot be reached', { cause: error });
    }
    throw new UpstreamError(`the model answered with status ${response.status}`);
  }
}

function parseCompletion(body: unknown): Message {
  const message = (body as { choices?: { message?: Partial<Message> }[] } | null)?.choices?.[0]
    ?.message;
  if (typeof message !== 'object') throw new UpstreamError('the model sent no message');
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls.filter(isToolCall) : [];
  return {
    role: 'assistant',
    content: typeof message.content === 'string' ? message.content : '',
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function isToolCall(value: Partial<ToolCall> | null): value is ToolCall {
  return (
    typeof value?.id === 'string' &&
    typeof value.function?.name === 'string' &&
    typeof value.function.arguments === 'string'
  );
}
