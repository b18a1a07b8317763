/**
 * A service of one agent with some tools behind HTTP, under the steady load of a client, for minutes.
 *
 *     node memory-service.mjs <kind> <seconds> <speed>
 *
 *   leak      one tool keeps every response it has got: 1 MB in 100 invocations
 *   cache     an LRU cache that fills within some minutes, ever more slowly, and levels off
 *   pool      connections with state, opened when load needs them, closed when idle for long
 *   warm-up   what is compiled when it is first used, until all of it has been
 *
 * `speed` makes everything happen so many times as often, as if minutes were shorter. Prints a line of
 * JSON each time a suspect appears in `status()`, and one at the end.
 */
import { Agent, createServer, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, start, status, stop } from 'spanprof';

const [kind, seconds, speed] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const INVOCATIONS_PER_SECOND = 40;
const EMBEDDING_LENGTH = 1_280;

const begin = performance.now();
/** Seconds of the service's own time. */
const elapsed = () => ((performance.now() - begin) / 1000) * speed;

function embed(text) {
  const vector = new Array(EMBEDDING_LENGTH).fill(0);
  for (let i = 0; i < text.length; i++) vector[i % EMBEDDING_LENGTH] += text.charCodeAt(i);
  return vector;
}
function render(key) {
  return Array.from({ length: 60 }, (_, line) => ({ line, text: `line ${line} of page ${key}` }));
}

const RESPONSE = JSON.stringify(embed('a page'));
const seen = [];
async function leak() {
  seen.push(JSON.parse(RESPONSE));
}

const CACHE_PAGES = 6_000;
const ALL_PAGES = 8_000;
const cached = new Map();
async function cache() {
  for (let look = 0; look < 3; look++) {
    const key = Math.floor(Math.random() * ALL_PAGES);
    const page = cached.get(key) ?? render(key);
    cached.delete(key);
    cached.set(key, page);
    if (cached.size > CACHE_PAGES) cached.delete(cached.keys().next().value);
  }
}

const IDLE_SECONDS = 90;
const connections = [];
function open(port) {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  return { socket, statements: Array.from({ length: 25 }, (_, i) => embed(`select ${i}`)) };
}
async function pool(i, port) {
  // Load that rises and falls: waves of different height.
  const wave = (1 - Math.cos(elapsed() / 40)) / 2;
  const wanted = 1 + Math.floor((i % 100) * wave * (0.5 + 0.5 * Math.cos(elapsed() / 300)));
  while (connections.length < wanted) connections.push(open(port));
  connections[wanted - 1].lastUsed = elapsed();
  while (elapsed() - (connections.at(-1).lastUsed ?? elapsed()) > IDLE_SECONDS) {
    connections.pop().socket.destroy();
  }
}

const TEMPLATES = 100;
const WARM_UP_SECONDS = 100;
const templates = new Map();
async function warmUp(i) {
  const reached = Math.min(1, 0.3 + elapsed() / WARM_UP_SECONDS);
  const name = (i * 7) % Math.ceil(TEMPLATES * reached);
  if (!templates.has(name))
    templates.set(
      name,
      Array.from({ length: 60 }, (_, n) => render(n)),
    );
}

async function search(i) {
  await new Promise(setImmediate);
  return render(i).sort((a, b) => b.line - a.line).length;
}
async function summarize(i) {
  return render(i)
    .map(({ text }) => text.slice(0, 10))
    .join();
}
async function translate(i) {
  return embed(`line ${i}`).length;
}
async function calendar(i) {
  return JSON.parse(JSON.stringify(render(i))).length;
}

const browser = { leak, cache, pool, 'warm-up': warmUp }[kind];
/** Called from one place, as runners of agents do. */
const tools = Object.entries({ search, summarize, translate, calendar, browser });
const TOOLS_PER_INVOCATION = 2;
async function invoke(i, port) {
  for (let turn = 0; turn < TOOLS_PER_INVOCATION; turn++) {
    const [name, tool] = tools[(i + turn) % (tools.length - 1)];
    await run({ tool_name: name }, tool, i, port);
  }
  await run({ tool_name: 'browser' }, browser, i, port);
}

await start();
let invocations = 0;
const server = createServer((asked, answer) => {
  const i = invocations++;
  asked.resume();
  run({ agent_name: 'writer', session_id: `s-${i % 50}` }, invoke, i, server.address().port).then(
    () => answer.end('done'),
    (error) => {
      console.error(error);
      answer.destroy();
    },
  );
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const agent = new Agent({ keepAlive: true });
const ask = () =>
  new Promise((resolve, reject) => {
    const { port } = server.address();
    const asking = request({ port, agent, method: 'POST' }, (answer) =>
      answer.resume().once('end', resolve),
    );
    asking.once('error', reject).end();
  });

let named = 0;
let last;
function look() {
  const { leaks } = status().memory;
  if (leaks === last) return;
  last = leaks;
  if (leaks.length === 0) return;
  named++;
  console.log(JSON.stringify({ atSeconds: elapsed(), leaks }));
}
while (performance.now() - begin < seconds * 1000) {
  // As many as are due: a delay of the timer does not make the load less.
  while (invocations < elapsed() * INVOCATIONS_PER_SECOND) {
    await ask();
    look();
  }
  await sleep(200 / speed);
}
const { memory, heap } = status();
server.close();
agent.destroy();
for (const { socket } of connections) socket.destroy();
await stop();
console.log(
  JSON.stringify({ named, invocations, memory, heap, windows: status().windows.completed }),
);
