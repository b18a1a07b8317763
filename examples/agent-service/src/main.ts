import { buildServer } from './server.ts';

const HOST = '127.0.0.1';
/** In-flight invocations get this long to finish after SIGTERM. */
const SHUTDOWN_MILLIS = 10_000;

function fail(message: string): never {
  process.stderr.write(`agent-service: ${message}\n`);
  process.exit(1);
}

function portFromEnvironment(): number {
  const port = Number(process.env['PORT'] ?? 8080);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  return fail(`PORT must be a whole number from 0 to 65535, not ${process.env['PORT']}`);
}

function urlFromEnvironment(name: string, fallback?: URL): URL {
  const value = process.env[name];
  if (value === undefined && fallback) return fallback;
  return value !== undefined && URL.canParse(value)
    ? new URL(value)
    : fail(`${name} must be a URL, such as http://127.0.0.1:9000`);
}

const port = portFromEnvironment();
const llmUrl = urlFromEnvironment('LLM_URL');
const app = buildServer({
  llmUrl,
  documentsUrl: urlFromEnvironment('DOCUMENTS_URL', llmUrl),
  logLevel: process.env['LOG_LEVEL'] ?? 'warn',
});

let closing = false;
function shutDown(): void {
  if (closing) return;
  closing = true;
  setTimeout(() => fail('requests did not finish in time'), SHUTDOWN_MILLIS).unref();
  app.close().catch((error: unknown) => fail(String(error)));
}
process.on('SIGTERM', shutDown);
process.on('SIGINT', shutDown);

try {
  process.stdout.write(`agent-service listening on ${await app.listen({ port, host: HOST })}\n`);
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}
