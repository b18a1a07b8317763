/**
 * A server that gets a thousand requests at once, and its client; a span for each request with two
 * steps inside, and the trace carried over HTTP. What a request works is in its path, in units.
 */
import { createServer, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const REQUESTS = 1_000;
/** Far enough apart to tell whose work it was. */
const UNITS = [0, 1, 3, 9];

/** Some hundred microseconds; a request does each of its units four times. */
function unit() {
  let x = 0;
  for (let i = 0; i < 60_000; i++) x += Math.sqrt(i + x);
  return x;
}

function work(units) {
  for (let i = 0; i < units; i++) unit();
}

export async function serveThousand({ context, propagation, trace }) {
  const tracer = trace.getTracer('thousand');
  for (let i = 0; i < 200; i++) unit();

  const step = (name, units) =>
    tracer.startActiveSpan(name, async (span) => {
      work(units);
      await sleep(1);
      work(units);
      span.end();
    });

  const server = createServer((incoming, response) => {
    const units = Number(incoming.url.slice(1));
    const parent = propagation.extract(context.active(), incoming.headers);
    context.with(parent, () =>
      tracer.startActiveSpan('request', { attributes: { 'app.units': units } }, async (span) => {
        await Promise.all([step('left', units), step('right', units)]);
        span.end();
        response.end('done');
      }),
    );
  });
  // All of them connect before the first is answered.
  const listening = { port: 0, host: '127.0.0.1', backlog: 2 * REQUESTS };
  await new Promise((resolve) => server.listen(listening, resolve));
  const { port } = server.address();

  const send = (units) =>
    tracer.startActiveSpan('send', async (span) => {
      const headers = {};
      propagation.inject(context.active(), headers);
      await new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port, path: `/${units}`, headers, agent: false };
        const outgoing = request(options, (incoming) => incoming.resume().once('end', resolve));
        outgoing.once('error', reject).end();
      });
      span.end();
    });
  await Promise.all(Array.from({ length: REQUESTS }, (_, i) => send(UNITS[i % 4])));
  await new Promise((resolve) => server.close(resolve));
}
