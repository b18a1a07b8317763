/** What a profiler costs each operation of each load, beside a process without one. */

import { change, mebibytes, number, percentMore, shortReason, table } from '../lib/markdown.mjs';
import { shuffled } from '../lib/order.mjs';
import { CLIENT_CORE, isPinned, MEASURED_CORE } from '../lib/process.mjs';
import { runLoad } from '../lib/run-load.mjs';
import { compareRounds, median, noiseFloor, pooledLogNoise } from '../lib/statistics.mjs';
import { barChart } from '../lib/svg.mjs';
import { loads } from '../loads/loads.mjs';
import { unavailable, variants } from '../variants/variants.mjs';

export const name = 'overhead';
export const seconds = { full: 1_740, quick: 270 };

/** Short, so that every run pays for the end of a window: thirty times as often as by default. */
const WINDOW_SECONDS = 2;
/** Over one window from the start of the process: what is loaded at its end is loaded once. */
const WARM_UP_MILLIS = 2_600;
const BASES = ['nothing', 'again'];
/** More rounds would say little more. */
const MAX_ROUNDS = 12;

/**
 * @typedef {object} Run
 * @property {number} round
 * @property {number} [cpuMicros] of an operation
 * @property {string} [failure]
 */

const forms = {
  full: { majors: [24, 20, 24], loads, variants, share: 1 },
  quick: {
    majors: [24],
    loads: loads.filter((load) =>
      ['json-server', 'agent-service', 'promise-storm'].includes(load.name),
    ),
    variants: variants.filter(({ name }) =>
      [...BASES, 'labels', 'bills', 'everything', 'datadog-pprof'].includes(name),
    ),
    share: 0.5,
  },
};

/** @param {import('../run.mjs').Context} context */
export async function run({ form, data, save, say, endMillis, majors: wanted }) {
  const plan = forms[form];
  const majors = plan.majors.filter((major) => wanted === undefined || wanted.includes(major));
  data.windowSeconds = WINDOW_SECONDS;
  data.cells ??= {};
  const roundsOf = /** @type {Record<number, number>} */ ({});
  for (let turn = 0; turn < majors.length * MAX_ROUNDS; turn++) {
    const major = majors[turn % majors.length] ?? 24;
    const round = (roundsOf[major] ?? -1) + 1;
    roundsOf[major] = round;
    for (const load of plan.loads) {
      const lanes =
        load.connections === undefined && isPinned ? [MEASURED_CORE, CLIENT_CORE] : [MEASURED_CORE];
      const queue = shuffled(plan.variants, round * 100 + plan.loads.indexOf(load));
      await Promise.all(
        lanes.map(async (core) => {
          for (let variant = queue.shift(); variant !== undefined; variant = queue.shift()) {
            if (performance.now() > endMillis) return;
            const result = await once(load, variant, major, core, plan.share);
            const key = `${major}/${load.name}/${variant.name}`;
            data.cells[key] ??= [];
            data.cells[key].push({ round, ...result });
            const said = result.failure ?? `${number(result.cpuMicros)} µs`;
            say(`Node ${major}, round ${round + 1}, ${load.name}, ${variant.name}: ${said}`);
          }
        }),
      );
      save();
      if (performance.now() > endMillis) return;
    }
  }
}

/** @returns {Promise<Omit<Run, 'round'>>} */
async function once(load, variant, major, core, share) {
  const reason = unavailable(variant, major);
  if (reason !== undefined) return { failure: reason };
  const count = Math.max(1, Math.round((load.count[major] ?? load.count[24]) * share));
  try {
    return await runLoad({
      load,
      variant,
      major,
      count,
      core,
      windowSeconds: WINDOW_SECONDS,
      warmUpMillis: WARM_UP_MILLIS,
    });
  } catch (error) {
    return { failure: shortReason(error.message) };
  }
}

/**
 * Every comparison with nothing.
 * @param {any} data @returns {{ major: number, load: string, variant: string, ratio: number, error: number, rounds: number, floor: number, failure?: string }[]}
 */
export function comparisons(data) {
  const results = [];
  for (const [key, runs] of Object.entries(data.cells)) {
    const [major = '', load = '', variant = ''] = key.split('/');
    if (variant === 'nothing') continue;
    const groups = Object.entries(data.cells)
      .filter(([other]) => other.startsWith(`${major}/${load}/`))
      .map(([, cell]) => cell.flatMap((one) => one.cpuMicros ?? []));
    const noise = pooledLogNoise(groups);
    const bases = (variant === 'again' ? ['nothing'] : BASES).map((base) =>
      byRound(data.cells[`${major}/${load}/${base}`] ?? []),
    );
    const compared = compareRounds(byRound(runs), bases);
    const baseRuns = bases.flat().filter((value) => value !== undefined).length;
    const floor = noiseFloor(noise, compared.rounds, baseRuns);
    const failure = compared.rounds === 0 ? runs.find((one) => one.failure)?.failure : undefined;
    results.push({ major: Number(major), load, variant, ...compared, floor, failure });
  }
  return results;
}

/** Two runs of the same must not fail each other; a tenth more CPU a request is worth a look. */
const MARGIN = 0.1;

/** @param {any} data */
export const gates = (data) =>
  comparisons(data)
    .filter(
      ({ variant, rounds }) => ['labels', 'bills', 'everything'].includes(variant) && rounds > 0,
    )
    .map(({ major, load, variant, ratio, error, floor }) => ({
      name: `overhead/${major}/${load}/${variant}`,
      value: ratio,
      allowance: MARGIN + 2 * Math.max(floor || 0, error || 0),
    }));

/** @param {Run[]} runs */
function byRound(runs) {
  const values = [];
  for (const { round, cpuMicros } of runs) values[round] = cpuMicros;
  return values;
}

/** @param {any} data @param {(name: string, svg: string) => string} image */
export function render(data, image) {
  const all = comparisons(data);
  const majors = [...new Set(all.map(({ major }) => major))].sort((a, b) => b - a);
  const measured = loads.filter((load) => all.some((one) => one.load === load.name));
  const parts = [
    `CPU time of the whole process (all threads, user and system) for an operation, beside the same load without a
profiler. Windows of ${data.windowSeconds} s, so each run pays for the end of at least one; at 60 s that part is thirty times smaller.
Every run is a process of its own; a round runs every variant once, in random order; figures are geometric means of the
rounds' ratios ± their standard error (bootstrap). **Not measurable** is what is smaller than the noise: two equal variants
differ by that much in 95 of 100 tries, judged by the scatter of all runs of the load. The loads are in \`bench/loads/\`.`,
  ];
  for (const major of majors) {
    const here = all.filter((one) => one.major === major);
    const find = (/** @type {string} */ load, /** @type {string} */ variant) =>
      here.find((one) => one.load === load && one.variant === variant);
    const rounds = Math.max(...here.map((one) => one.rounds));
    parts.push(`### Node ${major}, ${rounds} rounds`);
    const absolute = measured.map((load) => {
      const values = BASES.flatMap((base) =>
        byRound(data.cells[`${major}/${load.name}/${base}`] ?? []),
      );
      return `${number(median(values.filter((value) => value !== undefined)))} µs a ${load.unit}`;
    });
    const rows = variants
      .filter(({ name }) => name !== 'nothing' && here.some((one) => one.variant === name))
      .map((variant) => [
        variant.title,
        ...measured.map((load) => {
          const one = find(load.name, variant.name);
          if (one === undefined) return '–';
          if (one.failure !== undefined) return `failed: ${one.failure}`;
          return variant.name === 'again' ? percentMore(one.ratio) : change(one, one.floor);
        }),
      ]);
    const floors = measured.map(
      (load) => `± ${((find(load.name, 'labels')?.floor ?? Number.NaN) * 100).toFixed(1)} %`,
    );
    parts.push(
      table(
        ['', ...measured.map(({ title }) => title)],
        [['nothing', ...absolute], ['noise floor', ...floors], ...rows],
      ),
    );
    parts.push(secondFigures(data, major, measured));
  }
  const [major = 24] = majors;
  const svg = barChart({
    title: `CPU time added to a request, Node ${major}`,
    unit: '%',
    groups: measured.map((load) => ({
      label: load.title,
      bars: all
        .filter(
          (one) =>
            one.major === major &&
            one.load === load.name &&
            one.failure === undefined &&
            one.variant !== 'again',
        )
        .map((one) => ({
          label: variants.find(({ name }) => name === one.variant)?.title ?? one.variant,
          value: (one.ratio - 1) * 100,
          error: one.floor * 100,
          isOurs: ['labels', 'bills', 'everything'].includes(one.variant),
        })),
    })),
    note: 'Whiskers: the noise floor. A bar inside of them is not measurable.',
  });
  parts.splice(1, 0, `![CPU time added to a request](${image('overhead.svg', svg)})`);
  return parts.join('\n\n');
}

/** Latency, delay of the loop and memory, for what they are worth with one core each. */
function secondFigures(data, major, measured) {
  const servers = measured.filter((load) => load.connections !== undefined);
  const middle = (load, variant, pick) => {
    const cell = data.cells[`${major}/${load.name}/${variant.name}`] ?? [];
    return median(cell.filter((one) => one.failure === undefined).map(pick));
  };
  const blocks = servers.map((load) => {
    const rows = variants
      .filter((variant) =>
        (data.cells[`${major}/${load.name}/${variant.name}`] ?? []).some(
          (one) => one.failure === undefined,
        ),
      )
      .map((variant) => {
        const of = (pick) => middle(load, variant, pick);
        return [
          variant.title,
          number(of((one) => one.latency.p50Millis)),
          number(of((one) => one.latency.p99Millis)),
          number(of((one) => one.loopDelayP99Millis)),
          number(of((one) => one.loopDelayMaxMillis)),
          mebibytes(of((one) => one.rssBytes)),
          mebibytes(of((one) => one.heapUsedBytes)),
        ];
      });
    const heading = [
      load.title,
      'latency p50, ms',
      'p99',
      'event-loop delay p99, ms',
      'max',
      'RSS',
      'heap',
    ];
    return table(heading, rows);
  });
  return `<details><summary>Latency, event loop and memory, Node ${major} (medians)</summary>\n\n${blocks.join('\n\n')}\n\n</details>`;
}
