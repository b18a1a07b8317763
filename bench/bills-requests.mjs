/**
 * What bills cost a program: CPU time of its process per request, beside the same program without
 * spanprof. Each run is a process of its own, variants in turns, so that a busy machine hits all alike;
 * the ratio is the median over the rounds, each to the `without` of its own round.
 *
 *     node bench/bills-requests.mjs [--rounds 9] [--profile] [majors]      needs `npm run build -- --all`
 *
 * Loads: `json`, a bare HTTP server that answers with JSON; `agent`, runs of an agent with model calls,
 * tools and awaits. Variants: `idle`, profiling as by default and no bill open; `exact`, each request an
 * invocation with exact CPU time whatever it costs; `default`, the same with the governor on; `bytes`,
 * exact bytes too. `--profile` writes a CPU profile of each `exact` and `without` run to .cache/bills-requests.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { majors, nodeBinary, root } from '../scripts/nodes.mjs';
import { median, quantile } from './lib/statistics.mjs';

const self = fileURLToPath(import.meta.url);
const LOADS = ['json', 'agent'];
const VARIANTS = ['without', 'idle', 'exact', 'default', 'bytes'];
const CONNECTIONS = 8;
/** @type {Readonly<Record<string, number>>} */
const REQUESTS = { json: 40_000, agent: 5_000 };
/** @type {Readonly<Record<string, number>>} */
const WARM_UP = { json: 20_000, agent: 4_000 };
const DOCUMENTS = Array.from({ length: 200 }, (_, id) => ({
  id,
  text: `document ${id} says what others have said: `.repeat(8),
}));
const ITEMS = Array.from({ length: 20 }, (_, id) => ({
  id,
  text: `item number ${id} of the list`,
}));

if (process.argv[2] === 'work') await work(process.argv[3] ?? '', process.argv[4] ?? '');
else if (process.argv[2] === 'client')
  await client(Number(process.argv[3]), Number(process.argv[4]));
else await compare(process.argv.slice(2));

/** @param {string[]} args */
async function compare(args) {
  const roundsAt = args.indexOf('--rounds');
  const rounds = roundsAt < 0 ? 9 : Number(args[roundsAt + 1]);
  if (roundsAt >= 0) args.splice(roundsAt, 2);
  const profiles = args.includes('--profile');
  const named = args.filter((one) => /^\d+$/.test(one)).map(Number);
  console.log(
    `CPU time a request, ${rounds} rounds: without µs; others in % more (± half of the quartiles)`,
  );
  for (const load of LOADS) {
    for (const major of named.length > 0 ? named : majors) {
      /** @type {Record<string, number[]>} */
      const micros = Object.fromEntries(VARIANTS.map((name) => [name, []]));
      for (let round = 0; round < rounds; round++) {
        // Forwards and backwards: what gets slower or faster meanwhile does so for all.
        const order = round % 2 === 0 ? VARIANTS : VARIANTS.toReversed();
        for (const name of order)
          micros[name]?.push(run(major, load, name, profiles && round === 0));
      }
      const base = micros['without'] ?? [];
      const cells = VARIANTS.slice(1).map((name) => {
        const ratios = (micros[name] ?? []).map((one, i) => (one / (base[i] ?? 1) - 1) * 100);
        const half = (quantile(ratios, 0.75) - quantile(ratios, 0.25)) / 2;
        return `${name} ${median(ratios).toFixed(1)} (± ${half.toFixed(1)})`;
      });
      console.log(
        `${load.padEnd(5)} Node ${major}: ${median(base).toFixed(1)} µs; ${cells.join(', ')}`,
      );
    }
  }
}

/** @param {number} major @param {string} load @param {string} variant @param {boolean} profiles */
function run(major, load, variant, profiles) {
  const isProfiled = profiles && (variant === 'without' || variant === 'exact');
  const flags = isProfiled
    ? [
        '--cpu-prof',
        `--cpu-prof-dir=${root}/.cache/bills-requests`,
        `--cpu-prof-name=${load}-${major}-${variant}.cpuprofile`,
      ]
    : [];
  const { status, stdout, stderr } = spawnSync(
    nodeBinary(major),
    [...flags, self, 'work', load, variant],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`${load} ${variant} on Node ${major}: ${stderr}`);
  return Number(stdout);
}

// ---- in a process of its own -------------------------------------------------------------------------

/** @param {string} load @param {string} variant */
async function work(load, variant) {
  const { measure, start, stop } = await import(`${root}/dist/index.js`);
  const unlimited = { budgetPercent: 100, maxSwitchesPerSecond: 1e9 };
  if (variant !== 'without') {
    await start({
      exporters: [],
      attribution: {
        ...(variant === 'default' || variant === 'idle' ? {} : unlimited),
        bytes: variant === 'bytes' ? 'exact' : 'sampled',
      },
    });
  }
  const isBilled = variant !== 'without' && variant !== 'idle';
  /** @param {number} i @param {() => unknown} fn */
  const bill = (i, fn) =>
    isBilled ? measure({ agent_name: 'bench', session_id: `s-${i % 50}` }, fn) : fn();
  const requests = REQUESTS[load] ?? 0;
  const warmUp = WARM_UP[load] ?? 0;
  const go = load === 'json' ? await jsonLoad(bill) : agentLoad(bill);
  await go(warmUp);
  const before = process.cpuUsage();
  await go(requests);
  const { user, system } = process.cpuUsage(before);
  console.log((user + system) / requests);
  await stop();
  process.exit();
}

/** @param {(i: number, fn: () => unknown) => unknown} bill */
async function jsonLoad(bill) {
  let count = 0;
  const server = createServer((request, response) => {
    void bill(count++, async () => {
      await null;
      const body = JSON.stringify({ path: request.url, count, items: ITEMS });
      response.setHeader('content-type', 'application/json');
      response.end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return async (/** @type {number} */ requests) => {
    const child = spawn(process.execPath, [self, 'client', String(port), String(requests)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await once(child, 'exit');
  };
}

/** Keeps a few connections busy; written for little CPU time. @param {number} port @param {number} requests */
async function client(port, requests) {
  let sent = 0;
  const one = async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    /** @type {Promise<void>} */
    const done = new Promise((resolve) => {
      const next = () => {
        if (sent++ >= requests) return resolve();
        socket.write('GET /items?page=1 HTTP/1.1\r\nhost: bench\r\n\r\n');
      };
      socket.on('data', next);
      next();
    });
    await done;
    socket.destroy();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
}

/** @param {(i: number, fn: () => unknown) => unknown} bill */
function agentLoad(bill) {
  let count = 0;
  return async (/** @type {number} */ runs) => {
    const end = count + runs;
    const one = async () => {
      while (count < end) await bill(count++, agentRun);
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, one));
  };
}

/** Three model calls, answered token by token as lines of JSON, with a search through documents each. */
async function agentRun() {
  /** @type {{ role: string, content: string }[]} */
  const messages = [{ role: 'user', content: 'Where is the sun at noon?' }];
  for (let step = 0; step < 3; step++) {
    const prompt = JSON.stringify(messages);
    let text = '';
    for await (const line of tokens(prompt, 24)) text += JSON.parse(line).choices[0].delta.content;
    messages.push({ role: 'assistant', content: text });
    messages.push({ role: 'tool', content: await search(text) });
  }
  return JSON.parse(JSON.stringify(messages));
}

/** @param {string} prompt @param {number} count */
async function* tokens(prompt, count) {
  await sleep(1);
  for (let i = 0; i < count; i++) {
    await null;
    const delta = { role: 'assistant', content: ` token${prompt.length + i}` };
    yield JSON.stringify({ id: 'chat', model: 'scripted', choices: [{ index: 0, delta }] });
  }
}

/** @param {string} query */
async function search(query) {
  await null;
  const words = query.split(' ');
  const found = DOCUMENTS.filter(({ text }) => words.some((word) => text.includes(word)));
  return found
    .slice(0, 20)
    .map(({ id, text }) => `${id}: ${text.replace(/[aeiou]/g, '*')}`)
    .join('\n');
}
