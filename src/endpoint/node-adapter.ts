/** The endpoint behind `node:http`, and so behind Express and Fastify. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { clearTimeout, setTimeout } from 'node:timers';
import { type Milliseconds, milliseconds } from '../units.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointRequest, EndpointResponse } from './exchange.ts';

/** A client that reads nothing for so long keeps our memory for nothing. */
const WRITE_TIMEOUT_MILLIS: Milliseconds = milliseconds(30_000);

/** Express keeps the whole path here when it cuts the mount point off `url`. */
interface Mounted {
  readonly originalUrl?: unknown;
}

/** Answers; resolves when the answer is handed over or the client has left. Never rejects. */
export async function answerNode(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const left = new AbortController();
  const leave = () => left.abort(new Error('the client left'));
  response.once('close', leave);
  request.on('error', leave);
  response.on('error', leave);
  // Whatever comes as a body is of no use; unread it would hold the connection.
  const hasBody = request.headers['transfer-encoding'] !== undefined || bodyBytes(request) > 0;
  if (hasBody) {
    response.setHeader('Connection', 'close');
    request.resume();
  }
  try {
    const answer = await endpoint.handle(requestOf(request, left.signal));
    if (!left.signal.aborted) send(request, response, answer);
  } catch {
    // Nobody is there to be told.
    response.destroy();
  } finally {
    if (left.signal.aborted) response.off('close', leave);
  }
}

export function targetOf(request: IncomingMessage): string {
  const { originalUrl } = request as Mounted;
  return typeof originalUrl === 'string' ? originalUrl : (request.url ?? '/');
}

function requestOf(request: IncomingMessage, signal: AbortSignal): EndpointRequest {
  return {
    method: request.method ?? 'GET',
    target: targetOf(request),
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    signal,
    isUnixSocket: request.socket.remoteAddress === undefined && !request.socket.destroyed,
  };
}

function send(request: IncomingMessage, response: ServerResponse, answer: EndpointResponse): void {
  response.writeHead(answer.status, {
    ...answer.headers,
    'Content-Length': Buffer.byteLength(answer.body),
  });
  const timer = setTimeout(() => response.destroy(), WRITE_TIMEOUT_MILLIS).unref();
  response.once('close', () => clearTimeout(timer));
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

function bodyBytes(request: IncomingMessage): number {
  return Number(request.headers['content-length'] ?? 0);
}
