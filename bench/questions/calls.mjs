/** What a call of `run()`, a span and an await cost, in nanoseconds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeBinary, root } from '../../scripts/nodes.mjs';
import { inLanes } from '../lib/lanes.mjs';
import { number, shortReason, table } from '../lib/markdown.mjs';
import { launch } from '../lib/process.mjs';
import { openSink } from '../lib/sink.mjs';
import { halfRange, median } from '../lib/statistics.mjs';
import { unavailable, variantOf } from '../variants/variants.mjs';

export const name = 'calls';
export const seconds = { full: 120, quick: 40 };
export const nodes = { full: [24, 20], quick: [24] };

const cases = [
  { name: 'call', title: 'async function as an owner' },
  { name: 'span', title: 'OpenTelemetry span' },
  { name: 'outside', title: 'await outside of owners' },
  { name: 'inside', title: 'await of one owner' },
  { name: 'switching', title: 'await, two owners in turn' },
];

/** Falling back to estimates would be another measurement. */
const exact = (variant) => ({
  ...variant,
  env: (setting) => ({
    ...variant.env?.(setting),
    SPANPROF_ATTRIBUTION_BUDGET_PERCENT: '100',
    SPANPROF_ATTRIBUTION_MAX_SWITCHES_PER_SECOND: '1000000000',
  }),
});
const subjects = [
  { ...variantOf('nothing'), isQuick: true },
  { name: 'als', title: 'an AsyncLocalStorage', adapter: 'als', isQuick: true },
  // Spans too, beside those who do not follow them.
  { ...exact(variantOf('spans')), name: 'labels', title: 'spanprof, labels only', isQuick: true },
  { ...exact(variantOf('bills')), isQuick: true },
  { ...exact(variantOf('everything')), title: 'spanprof, bills with exact bytes' },
  variantOf('datadog-pprof'),
  variantOf('pyroscope'),
  variantOf('dd-trace-off'),
  variantOf('dd-trace'),
];
const ROUNDS = { full: 3, quick: 2 };

/** @param {import('../run.mjs').Context} context */
export async function run({ form, data, save, say, endMillis, majors }) {
  data.cells ??= {};
  for (let round = 0; round < ROUNDS[form]; round++) {
    const cells = majors.flatMap((major) =>
      subjects
        .filter((subject) => form === 'full' || subject.isQuick)
        .flatMap((subject) => cases.map((one) => ({ major, subject, one }))),
    );
    await inLanes(cells, endMillis, async ({ major, subject, one }, core) => {
      const key = `${major}/${one.name}/${subject.name}`;
      const figures = await once(subject, major, one.name, core);
      data.cells[key] ??= [];
      data.cells[key].push(figures);
      say(
        `round ${round + 1} of ${ROUNDS[form]}, ${key}: ${figures.failure ?? `${number(figures.nanos)} ns`}`,
      );
      save();
    });
  }
}

async function once(subject, major, one, core) {
  const reason = unavailable(subject, major);
  if (reason !== undefined) return { failure: reason };
  const folder = mkdtempSync(join(tmpdir(), 'spanprof-bench-'));
  const sink = await openSink();
  const setting = { major, windowSeconds: 60, folder, sink: sink.url };
  try {
    const measured = launch({
      node: nodeBinary(major),
      args: [...(subject.args?.(setting) ?? []), join(root, 'bench/programs/calls.mjs')],
      cwd: folder,
      core,
      timeoutMillis: 40_000,
      env: {
        BENCH_ADAPTER: subject.adapter,
        BENCH_CASE: one,
        BENCH_FOLDER: folder,
        BENCH_SINK: sink.url,
        BENCH_WINDOW_SECONDS: '60',
        ...subject.env?.(setting),
      },
    });
    const { nanos } = await measured.message('result');
    await measured.kill();
    return { nanos };
  } catch (error) {
    return { failure: shortReason(error.message) };
  } finally {
    sink.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const MOST_NANOS = 150;

/** @param {any} data @returns {import('../lib/budgets.mjs').Budget[]} */
export function budgets(data) {
  const of = (variant) =>
    median((data.cells[`24/call/${variant}`] ?? []).flatMap(({ nanos }) => nanos ?? []));
  const nanos = of('labels') - of('als');
  if (Number.isNaN(nanos)) return [];
  const what = '`run()` around an async function beyond a plain AsyncLocalStorage';
  return [
    { what, most: `${MOST_NANOS} ns`, found: `${number(nanos)} ns`, isMet: nanos <= MOST_NANOS },
  ];
}

/** @param {any} data */
export function render(data) {
  const majors = [...new Set(Object.keys(data.cells).map((key) => Number(key.split('/')[0])))].sort(
    (a, b) => b - a,
  );
  const blocks = majors.map((major) => {
    const rows = subjects
      .filter(({ name }) => data.cells[`${major}/call/${name}`] !== undefined)
      .map((subject) => [
        subject.title,
        ...cases.map((one) => {
          const runs = data.cells[`${major}/${one.name}/${subject.name}`] ?? [];
          const good = runs.flatMap(({ nanos }) => nanos ?? []);
          if (good.length === 0) return runs[0] === undefined ? '–' : `failed: ${runs[0].failure}`;
          return `${number(median(good))} ± ${number(halfRange(good))}`;
        }),
      ]);
    return `### Node ${major}\n\n${table(['ns of CPU time', ...cases.map(({ title }) => title)], rows)}`;
  });
  return [
    `Each process takes the best of seven rounds; the table has the median of the processes ± half their range. Owners are \`run()\`
for labels, \`measure()\` for bills, and each peer's own call. Bills never fall back to estimates here. In
\`OpenTelemetry span\` a span is started, made active, awaited in and ended; spanprof follows it by itself, peers do not.`,
    ...blocks,
  ].join('\n\n');
}
