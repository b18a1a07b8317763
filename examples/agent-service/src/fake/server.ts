import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Message } from '../types.ts';
import { findDocument } from './documents.ts';
import { nextMessage } from './llm.ts';
import { hash } from './random.ts';

/** A model takes from 50 to 200 ms to answer; which of them depends on the conversation alone. */
const MIN_LATENCY_MILLIS = 50;
const MAX_LATENCY_MILLIS = 200;
const DOCUMENT_LATENCY_MILLIS = 20;
const MAX_BODY_BYTES = 2_000_000;

interface CompletionRequest {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
}

/** Serves `POST /v1/chat/completions` and `GET /documents/<name>` on the loopback interface. */
export async function startFakeServer(port: number): Promise<{ url: URL; server: Server }> {
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      sendJson(response, 400, { error: error instanceof Error ? error.message : String(error) });
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return { url: new URL(`http://127.0.0.1:${address.port}`), server };
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '/';
  if (request.method === 'POST' && path === '/v1/chat/completions') {
    await complete((await readJson(request)) as CompletionRequest, response);
  } else if (request.method === 'GET' && path.startsWith('/documents/')) {
    await delay(DOCUMENT_LATENCY_MILLIS);
    const document = findDocument(path.slice('/documents/'.length));
    if (document === undefined) sendJson(response, 404, { error: 'no such document' });
    else response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(document);
  } else {
    sendJson(response, 404, { error: 'not found' });
  }
}

async function complete(request: CompletionRequest, response: ServerResponse): Promise<void> {
  const toolNames = (request.tools ?? []).map((tool) => tool.function.name);
  const message = nextMessage(request.messages, toolNames);
  const spread = MAX_LATENCY_MILLIS - MIN_LATENCY_MILLIS + 1;
  await delay(MIN_LATENCY_MILLIS + (hash(JSON.stringify(request.messages.at(-1))) % spread));
  const finishReason = message.tool_calls ? 'tool_calls' : 'stop';
  sendJson(response, 200, {
    object: 'chat.completion',
    model: request.model,
    choices: [{ index: 0, message, finish_reason: finishReason }],
  });
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MAX_BODY_BYTES) throw new Error('body too large');
  }
  return JSON.parse(text);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
