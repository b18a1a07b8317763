/** What a profiler costs each operation of each load, beside a process without one. */

import { number, shortReason } from '../lib/markdown.mjs';
import { shuffled } from '../lib/order.mjs';
import { CLIENT_CORE, isPinned, MEASURED_CORE } from '../lib/process.mjs';
import { runLoad } from '../lib/run-load.mjs';
import { compareRounds, noiseFloor, pooledLogNoise } from '../lib/statistics.mjs';
import { loads } from '../loads/loads.mjs';
import { unavailable, variants } from '../variants/variants.mjs';

export const name = 'overhead';
export const seconds = { full: 1_220, quick: 270 };

/** Short, so that every run pays for the end of a window: thirty times as often as by default. */
export const WINDOW_SECONDS = 2;
/** Over one window from the start of the process: what is loaded at its end is loaded once. */
export const WARM_UP_MILLIS = 2_600;
export const BASES = ['nothing', 'again'];
/** What V8 takes, without anybody's code. */
export const FLOORS = ['floor', 'hooks-floor'];
export const OURS = ['labels', 'spans', 'bills', 'everything'];
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
    variants: variants.filter(({ name }) => [...BASES, ...OURS, 'datadog-pprof'].includes(name)),
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
      const variantsHere = plan.variants.filter((one) => one.loads?.includes(load.name) ?? true);
      const queue = shuffled(variantsHere, round * 100 + plan.loads.indexOf(load));
      await Promise.all(
        lanes.map(async (core) => {
          for (let variant = queue.shift(); variant !== undefined; variant = queue.shift()) {
            if (performance.now() > endMillis) return;
            const cell = { load, variant, major, round, core, share: plan.share };
            say(await addRun(data, cell));
          }
        }),
      );
      save();
      if (performance.now() > endMillis) return;
    }
  }
}

/** One more run of a cell. @returns {Promise<string>} what to say of it */
export async function addRun(/** @type {any} */ data, { round, ...cell }) {
  const { load, variant, major } = cell;
  const result = await once(cell);
  const key = `${major}/${load.name}/${variant.name}`;
  data.cells[key] ??= [];
  data.cells[key].push({ round, ...result });
  const said = result.failure ?? `${number(result.cpuMicros)} µs`;
  return `Node ${major}, round ${round + 1}, ${load.name}, ${variant.name}: ${said}`;
}

/** @returns {Promise<Omit<Run, 'round'>>} */
async function once({
  load,
  variant,
  major,
  core = MEASURED_CORE,
  share = 1,
  warmUpMillis = WARM_UP_MILLIS,
}) {
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
      warmUpMillis,
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

/** Two runs of the same must not fail each other; a tenth more CPU time for a request is worth a look. */
const MARGIN = 0.1;

/** @param {any} data */
export const gates = (data) =>
  comparisons(data)
    .filter(
      // One round says nothing of its noise.
      ({ variant, rounds }) => OURS.includes(variant) && rounds > 1,
    )
    .map(({ major, load, variant, ratio, error, floor }) => ({
      name: `overhead/${major}/${load}/${variant}`,
      value: ratio,
      allowance: MARGIN * ratio + 2 * Math.max(floor || 0, error || 0),
    }));

/** Figures by round; a round without one is a hole. @param {readonly Run[]} runs */
export function byRound(runs) {
  const values = [];
  for (const { round, cpuMicros } of runs) values[round] = cpuMicros;
  return values;
}
