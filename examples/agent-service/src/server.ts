import Fastify, { type FastifyInstance } from 'fastify';
import { agentNames, findAgent } from './agents.ts';
import { documentReader } from './documents.ts';
import { LlmClient, UpstreamError } from './llm-client.ts';
import { invoke, type Services } from './runner.ts';
import { SessionStore } from './sessions.ts';
import { continueTrace, formatTraceparent } from './trace.ts';

/** Enough for a demonstration; a session with its search index takes a few megabytes. */
const MAX_SESSIONS = 40;
const MAX_BODY_BYTES = 64 * 1024;

export interface ServerOptions {
  readonly llmUrl: URL;
  readonly documentsUrl: URL;
  readonly logLevel: string;
}

const invokeSchema = {
  body: {
    type: 'object',
    required: ['session_id', 'input'],
    additionalProperties: false,
    properties: {
      session_id: { type: 'string', pattern: '^[A-Za-z0-9_.:-]{1,64}$' },
      input: { type: 'string', minLength: 1, maxLength: 4_000 },
    },
  },
} as const;

interface InvokeRoute {
  Params: { name: string };
  Body: { session_id: string; input: string };
}

export function buildServer(options: ServerOptions): FastifyInstance {
  const app = Fastify({
    logger: { level: options.logLevel },
    bodyLimit: MAX_BODY_BYTES,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  });
  const sessions = new SessionStore(MAX_SESSIONS);
  const services: Services = {
    llm: new LlmClient(options.llmUrl),
    readDocument: documentReader(options.documentsUrl),
  };

  app.get('/healthz', () => ({
    status: 'ok',
    agents: agentNames(),
    sessions: sessions.size,
  }));

  app.post<InvokeRoute>(
    '/agents/:name/invoke',
    { schema: invokeSchema },
    async (request, reply) => {
      const agent = findAgent(request.params.name);
      if (!agent) {
        return reply.code(404).send({ error: 'unknown agent', agents: agentNames() });
      }
      const { session_id: sessionId, input } = request.body;
      const header = request.headers['traceparent'];
      const trace = continueTrace(typeof header === 'string' ? header : undefined);
      reply.header('traceparent', formatTraceparent(trace));
      return invoke(agent, sessions.open(sessionId), input, trace, services);
    },
  );

  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof UpstreamError) {
      request.log.warn(error);
      return reply.code(502).send({ error: error.message });
    }
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error(error);
    return reply.code(status).send({ error: status >= 500 ? 'internal error' : error.message });
  });

  return app;
}
