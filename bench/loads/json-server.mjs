/** (a) A bare JSON server: some 40 µs a request, the worst case for whatever costs by the request. */
import { createServer } from 'node:http';
import { done, serve, wrap } from './meter.mjs';

async function layer(body, next) {
  const answer = await next(body);
  return answer;
}
/** Eight layers of middleware, as frameworks have them. */
const handler = Array.from({ length: 8 }).reduce(
  (next) => (body) => layer(body, next),
  async (body) => {
    const order = JSON.parse(body);
    await null;
    const items = order.items.map((item, i) => ({
      ...item,
      total: item.count * item.price,
      tag: `t${i}`,
    }));
    const sum = items.reduce((total, item) => total + item.total, 0);
    return JSON.stringify({ ok: true, sum, items });
  },
);

let requests = 0;
serve(
  createServer((request, response) => {
    const i = requests++;
    const labels = { agent_name: i % 2 === 0 ? 'planner' : 'writer', session_id: `s${i % 40}` };
    wrap(labels, async () => {
      let body = '';
      request.setEncoding('utf8');
      for await (const chunk of request) body += chunk;
      response.setHeader('content-type', 'application/json');
      response.end(await handler(body));
      done();
    });
  }),
);
