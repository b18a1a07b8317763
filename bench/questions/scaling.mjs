/** How the cost grows with the rate of samples, the depth of stacks and the number of owners. */
import { inLanes } from '../lib/lanes.mjs';
import { number, percentMore, shortReason, table } from '../lib/markdown.mjs';
import { shuffled } from '../lib/order.mjs';
import { runLoad } from '../lib/run-load.mjs';
import { compareRounds, noiseFloor, pooledLogNoise } from '../lib/statistics.mjs';
import { variantOf } from '../variants/variants.mjs';

export const name = 'scaling';
export const seconds = { full: 100, quick: 0 };

const MAJOR = 24;
const WINDOW_SECONDS = 2;
const WARM_UP_MILLIS = 2_600;
const ROUNDS = 3;
/** The middle of each; one is changed at a time. */
const usual = { hertz: 100, depth: 30, scopes: 100 };
const series = [
  { title: 'samples a second', key: 'hertz', values: [100, 250, 1_000] },
  { title: 'depth of the stack', key: 'depth', values: [10, 100, 300] },
  { title: 'owners in a window', key: 'scopes', values: [1, 1_000, 20_000] },
];
const points = [
  ...series.flatMap(({ key, values }) => values.map((value) => ({ ...usual, [key]: value }))),
];
const keyOf = ({ hertz, depth, scopes }) => `${hertz} Hz, ${depth} frames, ${scopes} owners`;

/** @param {import('../run.mjs').Context} context */
export async function run({ data, save, say, endMillis }) {
  data.cells ??= {};
  for (let round = 0; round < ROUNDS; round++) {
    const cells = points.flatMap((point) =>
      ['nothing', 'labels'].map((variant) => ({ point, variant })),
    );
    await inLanes(shuffled(cells, round), endMillis, async ({ point, variant }, core) => {
      const key = `${keyOf(point)}/${variant}`;
      const result = await once(point, variant, core);
      data.cells[key] ??= [];
      data.cells[key].push({ round, ...result });
      say(
        `round ${round + 1} of ${ROUNDS}, ${key}: ${result.failure ?? `${number(result.cpuMicros)} µs`}`,
      );
      save();
    });
  }
}

async function once(point, variant, core) {
  try {
    const { cpuMicros, evidence } = await runLoad({
      load: { name: 'scaling', folder: 'programs', title: '', unit: '', count: {} },
      variant: variantOf(variant),
      major: MAJOR,
      count: 25_000,
      core,
      windowSeconds: WINDOW_SECONDS,
      warmUpMillis: WARM_UP_MILLIS,
      env: {
        BENCH_DEPTH: String(point.depth),
        BENCH_SCOPES: String(point.scopes),
        ...(variant === 'nothing' ? {} : { SPANPROF_CPU_FREQUENCY_HERTZ: String(point.hertz) }),
      },
    });
    return {
      cpuMicros,
      windowMillis:
        evidence === undefined
          ? undefined
          : evidence.ownCpuMicros / 1_000 / Math.max(evidence.windows, 1),
    };
  } catch (error) {
    return { failure: shortReason(error.message) };
  }
}

/** @param {any} data */
export function render(data) {
  const of = (point, variant) =>
    (data.cells[`${keyOf(point)}/${variant}`] ?? []).filter(({ failure }) => failure === undefined);
  const byRound = (runs) => {
    const values = [];
    for (const { round, cpuMicros } of runs) values[round] = cpuMicros;
    return values;
  };
  const noise = pooledLogNoise(
    Object.values(data.cells).map((cell) => cell.flatMap(({ cpuMicros }) => cpuMicros ?? [])),
  );
  const rows = series.flatMap(({ title, key, values }) =>
    values.map((value) => {
      const point = { ...usual, [key]: value };
      const base = of(point, 'nothing');
      const compared = compareRounds(byRound(of(point, 'labels')), [byRound(base)]);
      const floor = noiseFloor(noise, compared.rounds, base.length);
      const windows = of(point, 'labels').map(({ windowMillis }) => windowMillis);
      return [
        `${title}: ${value.toLocaleString('en-US')}`,
        percentMore(compared.ratio),
        `± ${number(floor * 100)} %`,
        `${number(windows.reduce((sum, millis) => sum + millis, 0) / windows.length)} ms`,
      ];
    }),
  );
  return `spanprof with labels only on Node ${MAJOR}; ${usual.hertz} Hz, ${usual.depth} frames and ${usual.scopes} owners where nothing else is said, an owner's work some 60 µs,
windows of ${WINDOW_SECONDS} s. A change smaller than the noise floor is none.

${table(['', 'CPU time added', 'noise floor', 'CPU time of collecting a window'], rows)}`;
}
