/**
 * A LangGraph graph of two agents, each with a scripted model and a tool, traced by OpenInference.
 * Knows nothing of spanprof.
 */
import { LangChainInstrumentation } from '@arizeai/openinference-instrumentation-langchain';
import * as CallbackManagerModule from '@langchain/core/callbacks/manager';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { createReactAgent } from '@langchain/langgraph/prebuilt';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { z } from 'zod';
import { burn } from '../work.mjs';

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': process.env.OTEL_SERVICE_NAME }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();
new LangChainInstrumentation({ tracerProvider: provider }).manuallyInstrument(
  CallbackManagerModule,
);

/** First asks for the tool, then answers. */
class ScriptedModel extends BaseChatModel {
  _llmType() {
    return 'scripted';
  }
  bindTools() {
    return this;
  }
  async _generate(messages) {
    const answered = messages.at(-1)?.getType() === 'tool';
    const message = new AIMessage({
      content: answered ? 'done' : '',
      tool_calls: answered
        ? []
        : [{ name: this.toolName, args: { topic: 'x' }, id: `call-${this.toolName}` }],
      usage_metadata: { input_tokens: 100, output_tokens: 10, total_tokens: 110 },
    });
    return { generations: [{ text: 'done', message }] };
  }
}

function agent(name, toolName, work) {
  const model = new ScriptedModel({});
  model.toolName = toolName;
  const tools = [
    tool(work, { name: toolName, description: toolName, schema: z.object({ topic: z.string() }) }),
  ];
  return createReactAgent({ llm: model, tools, name });
}

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

const graph = new StateGraph(MessagesAnnotation)
  .addNode('researcher', agent('researcher', 'web_search', searchTheWeb))
  .addNode('writer', agent('writer', 'render_markdown', renderMarkdown))
  .addEdge(START, 'researcher')
  .addEdge('researcher', 'writer')
  .addEdge('writer', END)
  .compile();

const sessions = ['session-1', 'session-2'];
await Promise.all(
  sessions.map((thread_id) =>
    graph.invoke({ messages: [{ role: 'user', content: 'go' }] }, { configurable: { thread_id } }),
  ),
);
await provider.shutdown();
