/** `spanprof/endpoint`: the endpoint as a handler for the application's own server. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { agent } from './agent.ts';
import { Endpoint, type EndpointOptions } from './endpoint/endpoint.ts';
import { answerFetch } from './endpoint/fetch-adapter.ts';
import { answerNode } from './endpoint/node-adapter.ts';

export type { EndpointOptions } from './endpoint/endpoint.ts';

export interface EndpointHandler {
  /**
   * For `node:http`, Express and Fastify. What does not begin with `/debug/pprof`, `/debug/usage` or
   * `/debug/status`, after the prefix, goes to `next`, or is answered with 404 if there is none.
   */
  (request: IncomingMessage, response: ServerResponse, next?: () => void): void;
  /** For servers of `Request` and `Response`; anything that is not ours is answered with 404. */
  readonly fetch: (request: Request) => Promise<Response>;
}

/**
 * Serves profiles of this thread on demand. Nothing runs until a profile is asked for; profiling
 * need not be started, then the samplers run for the time of the request. Throws a `TypeError` if
 * the token is an empty string, or the prefix is none.
 */
export function endpoint(options: EndpointOptions = {}): EndpointHandler {
  const served = new Endpoint(agent.endpointSource, options);
  const handle = (request: IncomingMessage, response: ServerResponse, next?: () => void): void => {
    if (next !== undefined && !served.owns(request.url ?? '/')) next();
    else void answerNode(served, request, response);
  };
  return Object.assign(handle, { fetch: (request: Request) => answerFetch(served, request) });
}
