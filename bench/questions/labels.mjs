/** Do the samples say whose they are? Ours and every peer's, on the same program of known owners. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeBinary, root } from '../../scripts/nodes.mjs';
import { inLanes } from '../lib/lanes.mjs';
import { percent, shortReason, table } from '../lib/markdown.mjs';
import { majorsOf } from '../lib/order.mjs';
import { launch } from '../lib/process.mjs';
import { readSamples } from '../lib/read-pprof.mjs';
import { openSink } from '../lib/sink.mjs';
import { unavailable, variantOf } from '../variants/variants.mjs';

export const name = 'labels';
export const seconds = { full: 90, quick: 30 };
export const nodes = { full: [24, 20, 22, 26], quick: [24] };

const WINDOW_SECONDS = 2;
const INTERVAL_MICROS = '1000';
const HEAP_BYTES = '16385';

const subjects = [
  {
    ...variantOf('bills'),
    title: 'spanprof',
    adapter: 'spanprof',
    isQuick: true,
    env: (setting) => ({
      ...variantOf('bills').env?.(setting),
      SPANPROF_CPU_FREQUENCY_HERTZ: '1000',
      SPANPROF_HEAP_INTERVAL_BYTES: HEAP_BYTES,
    }),
  },
  variantOf('datadog-pprof'),
  variantOf('pyroscope'),
  {
    ...variantOf('dd-trace'),
    title: 'dd-trace (99 Hz)',
    adapter: 'dd-trace-labels',
    uploads: false,
    env: (setting) => ({
      ...variantOf('dd-trace').env?.(setting),
      DD_PROFILING_DEBUG_UPLOAD_COMPRESSION: 'gzip',
      DD_PROFILING_EXPORTERS: 'file',
      DD_PROFILING_PPROF_PREFIX: join(setting.folder, 'dd-'),
      DD_PROFILING_HEAP_SAMPLING_INTERVAL: HEAP_BYTES,
    }),
  },
];

/** @param {import('../run.mjs').Context} context */
export async function run({ form, data, save, say, endMillis, majors }) {
  data.runs ??= [];
  const cells = majors.flatMap((major) =>
    subjects
      .filter((subject) => form === 'full' || subject.isQuick)
      .filter((subject) => major === 24 || major === 20 || subject.isQuick)
      .map((subject) => ({ major, subject })),
  );
  await inLanes(cells, endMillis, async ({ major, subject }, core) => {
    const result = await once(major, subject, core, form === 'full' ? 10 : 5);
    data.runs.push({ major, variant: subject.name, title: subject.title, ...result });
    say(
      `Node ${major}, ${subject.title}: ${result.failure ?? JSON.stringify({ cpu: result.cpu, heap: result.heap })}`,
    );
    save();
  });
}

async function once(major, subject, core, burnSeconds) {
  const reason = unavailable(subject, major);
  if (reason !== undefined) return { failure: reason };
  const folder = mkdtempSync(join(tmpdir(), 'spanprof-bench-'));
  const sink = await openSink(true);
  const setting = { major, windowSeconds: WINDOW_SECONDS, folder, sink: sink.url };
  try {
    const measured = launch({
      node: nodeBinary(major),
      args: [...(subject.args?.(setting) ?? []), join(root, 'bench/programs/owners.mjs')],
      cwd: folder,
      core,
      timeoutMillis: burnSeconds * 3_000 + 30_000,
      env: {
        BENCH_ADAPTER: subject.adapter,
        BENCH_FOLDER: folder,
        BENCH_HEAP_BYTES: HEAP_BYTES,
        BENCH_INTERVAL_MICROS: INTERVAL_MICROS,
        BENCH_SECONDS: String(burnSeconds),
        BENCH_SINK: sink.url,
        BENCH_WINDOW_SECONDS: String(WINDOW_SECONDS),
        ...subject.env?.(setting),
      },
    });
    await measured.message('result');
    await measured.kill();
    const profiles = [...sink.bodies, ...filesIn(folder)];
    return judge(profiles);
  } catch (error) {
    return { failure: shortReason(error.message) };
  } finally {
    sink.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** `wall` of spanprof has the same samples as its `cpu`. @param {string} folder @returns {Uint8Array[]} */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(
      (name) =>
        /\.(pb\.gz|pprof|pb)$/.test(name) &&
        !/-(allocs|cpu)\.pb\.gz$/.test(name.replace(/^cpu-/, '')),
    )
    .map((name) => readFileSync(join(folder, name)));
}

/** @param {readonly Uint8Array[]} profiles */
function judge(profiles) {
  const found = {
    cpu: { right: 0, wrong: 0, missing: 0 },
    heap: { right: 0, wrong: 0, missing: 0 },
  };
  for (const bytes of profiles) {
    for (const { stack, labels, count, isHeap } of samplesOf(bytes)) {
      const owner = ownerOf(
        stack,
        isHeap ? /(?:^|:)allocate_(\w)(?::|$)/ : /(?:^|:)burn_(\w+)(?::|$)/,
      );
      if (owner === undefined) continue;
      const label = labels['agent_name'];
      const verdict = found[isHeap ? 'heap' : 'cpu'];
      if (owner === 'nobody') verdict[label === undefined ? 'right' : 'wrong'] += count;
      else if (label === undefined) verdict.missing += count;
      else verdict[label === owner ? 'right' : 'wrong'] += count;
    }
  }
  if (found.cpu.right + found.cpu.wrong + found.cpu.missing === 0)
    throw new Error('no sample of the program arrived');
  return found;
}

/** @param {Uint8Array} bytes */
function samplesOf(bytes) {
  const { types, samples } = readSamples(bytes);
  const isHeap = types.some((type) => /inuse|alloc|object|space/.test(type));
  return samples.map((sample) => ({ ...sample, isHeap }));
}

/** @param {readonly string[]} stack @param {RegExp} pattern */
function ownerOf(stack, pattern) {
  for (const name of stack) {
    // Some write the file before the name and the line behind.
    const owner = pattern.exec(name)?.[1];
    if (owner !== undefined) return owner;
  }
  return undefined;
}

const share = ({ right, wrong, missing }) => right / (right + wrong + missing);

/** The short form takes some hundred samples: one stray is no regression, a few are. */
const STRAY_SHARE = 0.005;

/** @param {any} data */
export const gates = (data) =>
  data.runs
    .filter(({ title, failure }) => title === 'spanprof' && failure === undefined)
    .flatMap(({ major, cpu, heap }) => [
      {
        name: `labels/${major}/cpu samples without their owner`,
        value: 1 - share(cpu),
        allowance: STRAY_SHARE,
      },
      {
        name: `labels/${major}/heap samples without their owner`,
        value: 1 - share(heap),
        allowance: STRAY_SHARE,
      },
    ]);

/** @param {any} data @returns {import('../lib/budgets.mjs').Budget[]} */
export function budgets(data) {
  const one = data.runs.find(({ major, title }) => major === 24 && title === 'spanprof');
  if (one === undefined || one.failure !== undefined) return [];
  return ['cpu', 'heap'].map((kind) => ({
    what: `${kind === 'cpu' ? 'CPU samples' : 'heap objects'} with the right owner`,
    most: '100 %',
    found: percent(share(one[kind])),
    isMet: share(one[kind]) === 1,
  }));
}

/** @param {any} data */
export function render(data) {
  const majors = majorsOf(data.runs);
  const rows = majors.flatMap((major) =>
    subjects.flatMap(({ name }) => {
      const one = data.runs.find((run) => run.major === major && run.variant === name);
      if (one === undefined) return [];
      const before = [`Node ${major}`, one.title];
      if (one.failure !== undefined) return [[...before, `failed: ${one.failure}`, '–', '–', '–']];
      return [[...before, ...verdict(one.cpu), ...verdict(one.heap)]];
    }),
  );
  const heading = [
    '',
    'profiler',
    'CPU samples right',
    'wrong / without owner',
    'heap objects right',
    'wrong / without owner',
  ];
  return `Three owners burn and allocate 60, 30 and 10 %, interleaved through promises, timers, immediates, ticks, microtasks, files and
async iteration; something of nobody's runs beside them. Each owner has functions of its own, so every stack says who it was.
Right is a sample whose label names the owner on its stack, or none for nobody's. 1,000 Hz and 16 KiB where they can be set.
\`bench/programs/owners.mjs\`; each peer labels with its own documented call.

${table(heading, rows)}`;
}

function verdict(counts) {
  const all = counts.right + counts.wrong + counts.missing;
  if (all === 0) return ['no samples', '–'];
  const part = (/** @type {number} */ count) => percent(count / all);
  const text = `${part(counts.right)} of ${all.toLocaleString('en-US')}`;
  return [
    text,
    `${counts.wrong.toLocaleString('en-US')} / ${counts.missing.toLocaleString('en-US')}`,
  ];
}
