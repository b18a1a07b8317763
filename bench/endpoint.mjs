/**
 * What the endpoint costs: the same work in processes of their own, in turns; asked from outside. CPU
 * time of the process for a fixed number of requests, median of the runs, beside the spread.
 *
 *     node bench/endpoint.mjs [runs] [seconds of the profile]     needs `npm run build` before
 *
 * `off`: no endpoint. `idle`: one that nobody asks. `profile`: one CPU profile taken meanwhile, the
 * work going on until it is answered and never ending before.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { median } from './lib/statistics.mjs';

const self = fileURLToPath(import.meta.url);
if (process.argv[2] === 'work') await work(Number(process.argv[3]));
else await compare(Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 30));

/** @param {number} runs @param {number} seconds */
async function compare(runs, seconds) {
  const variants = ['off', 'idle', 'profile'];
  /** @type {Record<string, number[]>} */
  const micros = Object.fromEntries(variants.map((name) => [name, []]));
  for (let i = 0; i < runs; i++) {
    for (const name of variants) micros[name]?.push(await run(name, seconds));
  }
  const base = median(micros['off'] ?? []);
  for (const [name, values] of Object.entries(micros)) {
    const value = median(values);
    const spread = ((Math.max(...values) - Math.min(...values)) / value / 2) * 100;
    const ratio = (value / base - 1) * 100;
    console.log(
      `${name.padEnd(8)} ${value.toFixed(1).padStart(7)} µs CPU a request  ${ratio.toFixed(2).padStart(6)} %  (± ${spread.toFixed(2)} %)`,
    );
  }
}

/** @param {string} variant @param {number} seconds @returns {Promise<number>} CPU µs a request */
async function run(variant, seconds) {
  const child = spawn(process.execPath, [self, 'work', String(seconds + 2)], {
    env: {
      ...process.env,
      SPANPROF_EXPORTERS: '',
      ...(variant === 'off' ? {} : { SPANPROF_ENDPOINT_PORT: '0' }),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  /** @type {Promise<number>} */
  const result = new Promise((resolve) => {
    lines.on('line', (line) => {
      if (!line.startsWith('http')) resolve(Number(line));
      else if (variant === 'profile') {
        void fetch(`${line}/debug/pprof/profile?seconds=${seconds}`).then((response) =>
          response.arrayBuffer(),
        );
      }
    });
  });
  await once(child, 'exit');
  return result;
}

/** JSON requests of two agents, one after another: a core that is never idle keeps its pace. @param {number} seconds */
async function work(seconds) {
  const { run, start, status, stop } = await import('spanprof');
  const document = JSON.stringify(Array.from({ length: 200 }, (_, i) => ({ i, text: `row ${i}` })));
  const request = async () => {
    const rows = JSON.parse(document);
    await null;
    rows.sort((/** @type {{ i: number }} */ a, /** @type {{ i: number }} */ b) => b.i - a.i);
    return JSON.stringify(rows);
  };
  await start();
  for (let i = 0; i < 3_000; i++) await run({ agent_name: 'warm-up' }, request);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const [url] = status().endpoint;
  if (url !== undefined) console.log(url);
  const before = process.cpuUsage();
  const end = performance.now() + seconds * 1_000;
  let count = 0;
  while (performance.now() < end) {
    for (let i = 0; i < 50; i++) {
      await run({ agent_name: i % 2 === 0 ? 'planner' : 'writer' }, request);
      count++;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { user, system } = process.cpuUsage(before);
  await stop();
  console.log((user + system) / count);
}
