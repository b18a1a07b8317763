/**
 * An agent on the Vercel AI SDK with a scripted model and two tools, traced by the SDK's own
 * telemetry. Knows nothing of spanprof.
 */
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { generateText, stepCountIs, tool } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { z } from 'zod';
import { burn } from '../work.mjs';

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': process.env.OTEL_SERVICE_NAME }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();

const usage = {
  inputTokens: { total: 100, noCache: 100, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 10, text: 10, reasoning: 0 },
};

/** First asks for both tools, then answers. */
const model = new MockLanguageModelV3({
  modelId: 'scripted',
  doGenerate: async ({ prompt }) => {
    if (prompt.some(({ role }) => role === 'tool')) {
      const content = [{ type: 'text', text: 'done' }];
      return { content, finishReason: { unified: 'stop', raw: 'stop' }, usage, warnings: [] };
    }
    const content = ['web_search', 'render_markdown'].map((toolName) => ({
      type: 'tool-call',
      toolCallId: toolName,
      toolName,
      input: '{"topic":"x"}',
    }));
    return { content, finishReason: { unified: 'tool-calls', raw: 'x' }, usage, warnings: [] };
  },
});

async function searchTheWeb() {
  burn(60);
  await new Promise((resolve) => setTimeout(resolve, 5));
  burn(60);
  return 'found';
}

async function renderMarkdown() {
  burn(120);
  return 'rendered';
}

const inputSchema = z.object({ topic: z.string() });
const tools = {
  web_search: tool({ description: 'searches', inputSchema, execute: searchTheWeb }),
  render_markdown: tool({ description: 'renders', inputSchema, execute: renderMarkdown }),
};

const agent = (functionId, sessionId) =>
  generateText({
    model,
    tools,
    prompt: 'go',
    stopWhen: stepCountIs(3),
    experimental_telemetry: { isEnabled: true, functionId, metadata: { sessionId } },
  });
await Promise.all([agent('researcher', 'session-1'), agent('writer', 'session-2')]);
await provider.shutdown();
