import type MiniSearch from 'minisearch';

/** One message of a conversation, in the shape chat-completion APIs use. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
  /** On an assistant message: the tools it wants run before it goes on. */
  readonly tool_calls?: readonly ToolCall[];
  /** On a tool message: the call it answers. */
  readonly tool_call_id?: string;
}

export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    /** JSON text, as models write it: may be malformed. */
    readonly arguments: string;
  };
}

export interface Agent {
  readonly name: string;
  readonly model: string;
  readonly instructions: string;
  readonly tools: readonly string[];
}

/** What a tool can see besides its arguments. */
export interface ToolContext {
  readonly workspace: Workspace;
  /** Reads a text document by name; rejects when there is none. */
  readonly readDocument: (name: string) => Promise<string>;
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  /** Runs with arguments the model chose; resolves to what the model gets to read. */
  readonly execute: (
    input: Readonly<Record<string, unknown>>,
    context: ToolContext,
  ) => Promise<string>;
}

export interface Passage {
  /** `<page>#<number>`. */
  readonly id: string;
  readonly heading: string;
  readonly text: string;
}

/** What a session's tools have gathered; later questions of the same session build on it. */
export interface Workspace {
  /** Passages by page name, oldest page first. */
  readonly pages: Map<string, readonly Passage[]>;
  /** Rendered HTML by title, oldest first. */
  readonly documents: Map<string, string>;
  /** Index over `pages`; undefined until a search needs it and again when a page arrives. */
  index: MiniSearch<Passage> | undefined;
}

export interface Session {
  readonly id: string;
  readonly history: Message[];
  readonly workspace: Workspace;
}

/** One LLM call or tool run of an invocation, for the caller to find it in traces and profiles. */
export interface Step {
  readonly kind: 'llm' | 'tool';
  readonly name: string;
  readonly span_id: string;
  readonly duration_ms: number;
  readonly error?: string;
}

export interface InvocationResult {
  readonly invocation_id: string;
  readonly trace_id: string;
  readonly span_id: string;
  readonly answer: string;
  readonly steps: readonly Step[];
}
