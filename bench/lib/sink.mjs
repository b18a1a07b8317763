/** A server that takes whatever a profiler sends, and counts it. */
import { once } from 'node:events';
import { createServer } from 'node:http';

/** @param {boolean} [keeps] whether bodies are kept */
export async function openSink(keeps = false) {
  /** @type {Buffer[]} */
  const bodies = [];
  const seen = { uploads: 0, bytes: 0 };
  const server = createServer((request, response) => {
    let bytes = 0;
    /** @type {Buffer[]} */
    const chunks = [];
    request.on('data', (chunk) => {
      bytes += chunk.length;
      if (keeps) chunks.push(chunk);
    });
    request.on('end', () => {
      // Traces of dd-trace go elsewhere than its profiles.
      if (request.method === 'POST' && /profil|ingest|push/i.test(request.url ?? '')) {
        seen.uploads++;
        seen.bytes += bytes;
        if (keeps) bodies.push(Buffer.concat(chunks));
      }
      response.end('{}');
    });
    request.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    bodies,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
