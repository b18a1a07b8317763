/**
 * The endpoint mounted in servers of all kinds; profiling is never started. Prints their addresses as
 * one line of JSON, and what `status()` says of the agent whenever a line comes in on stdin.
 */
import { createServer } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { serve } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { run, status } from 'spanprof';
import { endpoint } from 'spanprof/endpoint';

const handler = endpoint();

const plain = createServer((request, response) => {
  handler(request, response, () => response.end('the application'));
});
await new Promise((resolve) => plain.listen(0, '127.0.0.1', resolve));

const app = express();
app.use('/internal', handler);
app.get('/', (_request, response) => response.send('the application'));
const expressServer = app.listen(0, '127.0.0.1');

const server = fastify();
server.all('/debug/*', (request, reply) => {
  reply.hijack();
  handler(request.raw, reply.raw);
});
server.get('/', () => 'the application');
await server.listen({ port: 0, host: '127.0.0.1' });

const hono = new Hono();
hono.all('/debug/*', (context) => handler.fetch(context.req.raw));
hono.get('/', (context) => context.text('the application'));
const honoServer = serve({ fetch: hono.fetch, port: 0, hostname: '127.0.0.1' });
await new Promise((resolve) => honoServer.once('listening', resolve));

/** The newest objects: at any time something of the last second is alive. */
const kept = new Array(50_000);
let made = 0;
function work() {
  const end = performance.now() + 3;
  while (performance.now() < end) kept[made++ % kept.length] = { text: 'x'.repeat(made % 50) };
}
async function load() {
  for (;;) {
    await run({ agent_name: 'worker' }, async () => {
      work();
      await setImmediate();
    });
    await setImmediate();
  }
}

const addressOf = (one, prefix = '') => `http://127.0.0.1:${one.address().port}${prefix}`;
const addresses = [
  addressOf(plain),
  addressOf(expressServer, '/internal'),
  addressOf(server.server),
  addressOf(honoServer),
];
console.log(JSON.stringify(addresses));
void load();
process.stdin.on('data', () => {
  const { state, cpu, heap } = status();
  console.log(JSON.stringify([state, cpu.state, heap.state]));
});
process.stdin.on('end', () => process.exit(0));
