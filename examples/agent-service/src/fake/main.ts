import { startFakeServer } from './server.ts';

try {
  const { url, server } = await startFakeServer(Number(process.env['PORT'] ?? 9000));
  process.stdout.write(`fake model listening on ${url.origin}\n`);
  process.once('SIGTERM', () => {
    server.close();
    server.closeAllConnections();
  });
} catch (error) {
  process.stderr.write(`fake model: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
