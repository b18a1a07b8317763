// A Fastify server as people write them: schemas, hooks, an error handler, JSON work, timers, a
// stream, and an orderly end on SIGTERM. Prints its address, and at the end what it served.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import fastify from 'fastify';

const app = fastify();
const served = { requests: 0, errors: 0 };

app.addHook('onResponse', async () => {
  served.requests++;
});
app.setErrorHandler((error, _request, reply) => {
  served.errors++;
  reply.code(error.statusCode ?? 500).send({ error: error.message });
});

app.get('/hello', async () => ({ hello: 'world' }));

app.post('/sort', {
  schema: {
    body: {
      type: 'object',
      required: ['count'],
      properties: { count: { type: 'integer', minimum: 1, maximum: 50_000 } },
    },
  },
  handler: async (request) => {
    await delay(2);
    const numbers = Array.from({ length: request.body.count }, (_, i) => (i * 7919) % 10_007);
    numbers.sort((a, b) => a - b);
    const hash = createHash('sha256').update(JSON.stringify(numbers)).digest('hex');
    return { hash, first: numbers.slice(0, 3) };
  },
});

app.get('/stream', (_request, reply) => {
  const lines = Array.from({ length: 200 }, (_, i) => `line ${i}\n`);
  reply.type('text/plain').send(Readable.from(lines));
});

app.get('/broken', async () => {
  throw new Error('on purpose');
});

process.once('SIGTERM', async () => {
  await app.close();
  console.log(`served ${served.requests} requests, ${served.errors} errors`);
});

await app.listen({ port: 0, host: '127.0.0.1' });
console.log(`listening on ${app.server.address().port}`);
