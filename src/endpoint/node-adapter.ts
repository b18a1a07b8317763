/** The endpoint behind `node:http`, and so behind Express and Fastify. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Milliseconds, milliseconds } from '../units.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointRequest, EndpointResponse } from './exchange.ts';

/** A client that reads nothing for so long keeps our memory for nothing. */
const WRITE_TIMEOUT_MILLIS: Milliseconds = milliseconds(30_000);

export interface NodeAdapterOptions {
  /** The server is our own and listens on a Unix socket: no web page reaches it. */
  readonly isUnixSocket?: boolean;
  readonly writeTimeoutMillis?: Milliseconds;
}

/** Answers; resolves when the answer is handed over or the client has left. Never rejects. */
export async function answerNode(
  endpoint: Pick<Endpoint, 'handle'>,
  request: IncomingMessage,
  response: ServerResponse,
  { isUnixSocket = false, writeTimeoutMillis = WRITE_TIMEOUT_MILLIS }: NodeAdapterOptions = {},
): Promise<void> {
  const left = new AbortController();
  const leave = () => left.abort(new Error('the client left'));
  response.once('close', leave);
  request.on('error', leave);
  response.on('error', leave);
  try {
    // Whatever comes as a body is of no use; unread it would hold the connection.
    const hasBody = request.headers['transfer-encoding'] !== undefined || bodyBytes(request) > 0;
    if (hasBody) {
      response.setHeader('Connection', 'close');
      request.resume();
    }
    const answer = await endpoint.handle(requestOf(request, left.signal, isUnixSocket));
    if (left.signal.aborted) return;
    cutIfSilent(request, response, writeTimeoutMillis);
    send(request, response, answer);
  } catch {
    // Nobody is there to be told, or the application has begun an answer of its own.
    response.destroy();
  }
}

function requestOf(
  request: IncomingMessage,
  signal: AbortSignal,
  isUnixSocket: boolean,
): EndpointRequest {
  return {
    method: request.method ?? 'GET',
    // Relative to where we are mounted: Express cuts that off.
    target: request.url ?? '/',
    header: (name) => {
      // HTTP/2 has another name for it.
      const other = name === 'host' ? request.headers[':authority'] : undefined;
      const value = request.headers[name] ?? other;
      return Array.isArray(value) ? value.join(', ') : value;
    },
    signal,
    isUnixSocket,
  };
}

/** Slow clients get all of it; the connection of one that takes nothing is cut. */
function cutIfSilent(
  request: IncomingMessage,
  response: ServerResponse,
  timeoutMillis: Milliseconds,
): void {
  const before = request.socket.timeout ?? 0;
  response.setTimeout(timeoutMillis, () => response.destroy());
  // The application's next request on this connection may take longer. First of all listeners: the
  // server's own one takes the socket away, and sets the time-out of a connection that is kept.
  response.prependOnceListener('finish', () => response.setTimeout(before));
}

function send(request: IncomingMessage, response: ServerResponse, answer: EndpointResponse): void {
  response.writeHead(answer.status, {
    ...answer.headers,
    'Content-Length': Buffer.byteLength(answer.body),
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

function bodyBytes(request: IncomingMessage): number {
  return Number(request.headers['content-length'] ?? 0);
}
