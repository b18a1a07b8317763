/** What a profiler keeps in memory, and whether that grows: minutes of load with short windows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeBinary, root } from '../../scripts/nodes.mjs';
import { mebibytes, shortReason, table } from '../lib/markdown.mjs';
import { CLIENT_CORE, launch, MEASURED_CORE } from '../lib/process.mjs';
import { openSink } from '../lib/sink.mjs';
import { median } from '../lib/statistics.mjs';
import { variantOf } from '../variants/variants.mjs';

export const name = 'memory';
export const seconds = { full: 330, quick: 0 };

const LOAD_SECONDS = 300;
/** 150 windows in five minutes: as many as in two and a half hours. */
const WINDOW_SECONDS = 2;
const MAJOR = 24;
const names = [
  'nothing',
  'labels',
  'bills',
  'everything',
  'datadog-pprof',
  'pyroscope',
  'dd-trace-off',
  'dd-trace',
];

/** All at the same time, each on its share of a core: memory does not depend on speed. @param {import('../run.mjs').Context} context */
export async function run({ data, save, say, endMillis }) {
  data.runs = [];
  const left = Math.min(LOAD_SECONDS, (endMillis - performance.now()) / 1_000 - 25);
  say(`${names.length} processes for ${Math.round(left)} s`);
  await Promise.all(
    names.map(async (one, i) => {
      const result = await once(variantOf(one), left, i % 2 === 0 ? MEASURED_CORE : CLIENT_CORE);
      data.runs.push({ variant: one, ...result });
      say(`${one}: ${result.failure ?? mebibytes(result.samples.at(-1).rss)}`);
      save();
    }),
  );
}

async function once(variant, loadSeconds, core) {
  const folder = mkdtempSync(join(tmpdir(), 'spanprof-bench-'));
  const sink = await openSink();
  const setting = { major: MAJOR, windowSeconds: WINDOW_SECONDS, folder, sink: sink.url };
  try {
    const measured = launch({
      node: nodeBinary(MAJOR),
      args: [...(variant.args?.(setting) ?? []), join(root, 'bench/programs/memory.mjs')],
      cwd: folder,
      core,
      timeoutMillis: loadSeconds * 1_000 + 20_000,
      env: {
        BENCH_ADAPTER: variant.adapter,
        BENCH_FOLDER: folder,
        BENCH_SECONDS: String(loadSeconds),
        BENCH_SINK: sink.url,
        BENCH_WINDOW_SECONDS: String(WINDOW_SECONDS),
        ...variant.env?.(setting),
      },
    });
    const { samples } = await measured.message('result');
    await measured.kill();
    return { samples };
  } catch (error) {
    return { failure: shortReason(error.message) };
  } finally {
    sink.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Median of a fifth of the run: single moments depend on when garbage was collected. */
function fifth(samples, index, pick) {
  const size = samples.length / 5;
  return median(samples.slice(Math.floor(index * size), Math.floor((index + 1) * size)).map(pick));
}

const MOST_BYTES = 30e6;

/** @param {any} data @returns {import('../lib/budgets.mjs').Budget[]} */
export function budgets(data) {
  const last = (name) => {
    const samples = data.runs.find(({ variant }) => variant === name)?.samples;
    return samples === undefined ? Number.NaN : fifth(samples, 4, ({ rss }) => rss);
  };
  const bytes = last('bills') - last('nothing');
  if (Number.isNaN(bytes)) return [];
  const what = 'memory added after minutes of load, 150 windows';
  return [{ what, most: '30 MB RSS', found: mebibytes(bytes), isMet: bytes <= MOST_BYTES }];
}

/** @param {any} data */
export function render(data) {
  const base = data.runs.find(({ variant }) => variant === 'nothing');
  const rss = ({ rss: bytes }) => bytes;
  const heap = ({ heapUsed }) => heapUsed;
  const signed = (bytes) => `${bytes < 0 ? '−' : '+'}${mebibytes(Math.abs(bytes))}`;
  const rows = names.flatMap((name) => {
    const one = data.runs.find(({ variant }) => variant === name);
    if (one === undefined) return [];
    if (one.failure !== undefined)
      return [[variantOf(name).title, `failed: ${one.failure}`, '–', '–', '–', '–']];
    const { samples } = one;
    const last = fifth(samples, 4, rss);
    const added = base?.samples === undefined ? '–' : signed(last - fifth(base.samples, 4, rss));
    return [
      [
        variantOf(name).title,
        mebibytes(fifth(samples, 1, rss)),
        mebibytes(last),
        name === 'nothing' ? '–' : added,
        signed(last - fifth(samples, 1, rss)),
        signed(fifth(samples, 4, heap) - fifth(samples, 1, heap)),
      ],
    ];
  });
  const heading = [
    '',
    'RSS in the second fifth',
    'in the last',
    'more than nothing',
    'growth',
    "growth of V8's heap in use",
  ];
  return `Some 150 owners a second for five minutes on Node ${MAJOR}, with windows of ${WINDOW_SECONDS} s: as many windows as in two and a half
hours. Medians of a fifth of the run. \`npm run test:soak\` goes on for longer.

${table(heading, rows)}`;
}
