/**
 * Two agents on Google's Agent Development Kit, each with a scripted model and a tool, traced by the
 * kit itself. Knows nothing of spanprof.
 */

// First: the kit asks for the tracer provider when it is loaded.
import './telemetry.mjs';

import { BaseLlm, FunctionTool, InMemoryRunner, LlmAgent } from '@google/adk';
import { burn } from '../work.mjs';
import { provider } from './telemetry.mjs';

/** First asks for the tool, then answers. */
class ScriptedModel extends BaseLlm {
  constructor(toolName) {
    super({ model: 'scripted' });
    this.toolName = toolName;
  }
  async *generateContentAsync({ contents }) {
    const answered = contents.at(-1)?.parts?.some((part) => part.functionResponse !== undefined);
    const part = answered
      ? { text: 'done' }
      : { functionCall: { id: this.toolName, name: this.toolName, args: {} } };
    yield {
      content: { role: 'model', parts: [part] },
      usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 10 },
    };
  }
}

async function searchTheWeb() {
  burn(60);
  await new Promise((resolve) => setTimeout(resolve, 5));
  burn(60);
  return { status: 'found' };
}

async function renderMarkdown() {
  burn(120);
  return { status: 'rendered' };
}

async function run(name, toolName, execute) {
  const tools = [new FunctionTool({ name: toolName, description: toolName, execute })];
  const agent = new LlmAgent({
    name,
    model: new ScriptedModel(toolName),
    instruction: 'Work.',
    tools,
  });
  const runner = new InMemoryRunner({ agent, appName: 'app' });
  const sessionId = `session-of-${name}`;
  await runner.sessionService.createSession({ appName: 'app', userId: 'user', sessionId });
  const newMessage = { role: 'user', parts: [{ text: 'go' }] };
  for await (const _event of runner.runAsync({ userId: 'user', sessionId, newMessage }));
}

await Promise.all([
  run('researcher', 'web_search', searchTheWeb),
  run('writer', 'render_markdown', renderMarkdown),
]);
await provider.shutdown();
