/**
 * What does a request cost once the service has been up for a while? For the first seconds V8 still
 * compiles what is new, the profiler among it, and does so on the threads that are counted.
 */
import { shuffled } from '../lib/order.mjs';
import { loads } from '../loads/loads.mjs';
import { variants } from '../variants/variants.mjs';
import { addRun, BASES, comparisons, FLOORS, WARM_UP_MILLIS, WINDOW_SECONDS } from './overhead.mjs';
import { promises, ratioTable } from './overhead-page.mjs';

export const name = 'steady';
export const seconds = { full: 900, quick: 0 };

const MAJOR = 24;
/** By then hardly anything is compiled any more. */
const LONG_WARM_UP_MILLIS = 15_000;
const MAX_ROUNDS = 12;
const chosen = [...BASES, ...FLOORS, 'labels', 'spans', 'bills', 'datadog-pprof'];

const subjects = ['json-server', 'agent-service'].flatMap((load) =>
  variants
    .filter((one) => chosen.includes(one.name) && (one.loads?.includes(load) ?? true))
    .map((variant) => ({ load: loadOf(load), variant })),
);

function loadOf(/** @type {string} */ name) {
  const found = loads.find((load) => load.name === name);
  if (found === undefined) throw new Error(`no load ${name}`);
  return found;
}

/** @param {import('../run.mjs').Context} context */
export async function run({ data, save, say, endMillis }) {
  data.windowSeconds = WINDOW_SECONDS;
  data.cells ??= {};
  for (let round = 0; round < MAX_ROUNDS; round++) {
    for (const { load, variant } of shuffled(subjects, round)) {
      if (performance.now() > endMillis) return;
      const cell = { load, variant, major: MAJOR, round, warmUpMillis: LONG_WARM_UP_MILLIS };
      say(await addRun(data, cell));
    }
    save();
  }
}

/** @type {readonly import('./overhead-page.mjs').Promised[]} */
const PROMISED = [
  { variant: 'labels', title: 'labels only', load: 'agent-service', most: 1 },
  { variant: 'labels', title: 'labels only', load: 'json-server', most: 2 },
  { variant: 'spans', title: 'labels of spans', load: 'agent-service', most: 1 },
  { variant: 'bills', title: 'exact bills', load: 'agent-service', most: 2, floor: 'hooks-floor' },
  { variant: 'bills', title: 'exact bills', load: 'json-server', most: 6, floor: 'hooks-floor' },
];

/** @param {any} data */
export const budgets = (data) => promises(data, PROMISED, 'of a service that is up');

/** @param {any} data */
export function render(data) {
  const measured = [...new Set(subjects.map(({ load }) => load))];
  const rounds = Math.max(...comparisons(data).map((one) => one.rounds));
  return [
    `The same, measured after ${LONG_WARM_UP_MILLIS / 1_000} s under load instead of ${WARM_UP_MILLIS / 1_000}: until then V8 compiles what it has not seen, on threads whose CPU
time counts, and whatever a profiler adds to a request is among it. Windows of ${data.windowSeconds} s. Node ${MAJOR}, ${rounds} rounds.`,
    ratioTable(data, MAJOR, measured),
  ].join('\n\n');
}
