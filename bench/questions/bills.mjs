/** Is what a bill says right? Against the thread's own CPU clock and counted objects. */

import { join } from 'node:path';
import { nodeBinary, root } from '../../scripts/nodes.mjs';
import { inLanes } from '../lib/lanes.mjs';
import { number, shortReason, table } from '../lib/markdown.mjs';
import { majorsOf } from '../lib/order.mjs';
import { launch } from '../lib/process.mjs';
import { median } from '../lib/statistics.mjs';

export const name = 'bills';
export const seconds = { full: 90, quick: 30 };
export const nodes = { full: [24, 20, 22, 26], quick: [24] };

const unlimited = { SPANPROF_ATTRIBUTION_BUDGET_PERCENT: '100' };
const kinds = [
  {
    name: 'cpu-200',
    title: 'exact CPU, slices of 200 µs',
    program: 'bills',
    args: ['200', '3000', '300'],
    env: unlimited,
  },
  {
    name: 'cpu-20',
    title: 'exact CPU, slices of 20 µs',
    program: 'bills',
    args: ['20', '3000', '300'],
    env: unlimited,
  },
  {
    name: 'cpu-sampled',
    title: 'CPU from samples, slices of 200 µs',
    program: 'bills',
    args: ['200', '3000', '300'],
    env: { SPANPROF_ATTRIBUTION_CPU: 'sampled' },
  },
  {
    name: 'bytes-sampled',
    title: 'bytes from heap samples (64 KiB)',
    program: 'bills-memory',
    args: [],
    env: {},
  },
  {
    name: 'bytes-exact',
    title: 'exact bytes',
    program: 'bills-memory',
    args: [],
    env: { ...unlimited, SPANPROF_ATTRIBUTION_BYTES: 'exact' },
  },
];
const ROUNDS = { full: 2, quick: 1 };

/** @param {import('../run.mjs').Context} context */
export async function run({ form, data, save, say, endMillis, majors }) {
  data.runs ??= [];
  for (let round = 0; round < ROUNDS[form]; round++) {
    const cells = majors.flatMap((major) => kinds.map((kind) => ({ major, kind })));
    await inLanes(cells, endMillis, async ({ major, kind }, core) => {
      const result = await once(major, kind, core);
      data.runs.push({ major, kind: kind.name, ...result });
      const said =
        result.failure ??
        `${result.errors.map(number).join(', ')} % off, books ${number(result.sumError)} %`;
      say(`round ${round + 1} of ${ROUNDS[form]}, Node ${major}, ${kind.title}: ${said}`);
      save();
    });
  }
}

async function once(major, kind, core) {
  try {
    const measured = launch({
      node: nodeBinary(major),
      args: [join(root, `test/programs/truth/${kind.program}.mjs`), ...kind.args],
      core,
      timeoutMillis: 60_000,
      env: kind.env,
    });
    return judge(JSON.parse(await measured.output()));
  } catch (error) {
    return { failure: shortReason(error.message) };
  }
}

/** Percent. @returns {{ errors: number[], sumError?: number }} of each owner, and of all books together */
function judge(output) {
  if (output.truth !== undefined) {
    const owners = Object.keys(output.truth);
    return {
      errors: owners.map(
        (owner) => (output.usages[owner].allocatedBytes / output.truth[owner] - 1) * 100,
      ),
    };
  }
  const { truthMicros, usages, accounts, threadCpuMicros } = output;
  const owners = Object.keys(truthMicros);
  const sum = (/** @type {number[]} */ values) => values.reduce((one, other) => one + other, 0);
  // What Node needs to go on later is theirs as well, the same for every slice.
  const perSlice =
    sum(owners.map((owner) => usages[owner].cpuMicros)) /
    sum(owners.map((owner) => truthMicros[owner]));
  const { billed, late, unattributed } = accounts;
  const books = sum([billed, late, unattributed].flatMap((one) => [one.cpuMicros, one.gcMicros]));
  return {
    errors: owners.map(
      (owner) => (usages[owner].cpuMicros / (truthMicros[owner] * perSlice) - 1) * 100,
    ),
    sumError: (books / threadCpuMicros - 1) * 100,
  };
}

/** @param {any} data */
export const gates = (data) =>
  data.runs
    .filter(
      ({ kind, failure }) =>
        failure === undefined && (kind === 'cpu-200' || kind === 'bytes-exact'),
    )
    .map(({ major, kind, errors }) => ({
      name: `bills/${major}/${kind}, percent off`,
      value: Math.max(...errors.map(Math.abs)),
      allowance: 3,
    }));

const MOST_PERCENT = 2;
const MOST_SUM_PERCENT = 1;

/** @param {any} data @returns {import('../lib/budgets.mjs').Budget[]} */
export function budgets(data) {
  const good = data.runs.filter(
    (one) => one.major === 24 && one.kind === 'cpu-200' && one.failure === undefined,
  );
  if (good.length === 0) return [];
  const worst = median(good.map(({ errors }) => Math.max(...errors.map(Math.abs))));
  const sum = median(good.map(({ sumError }) => Math.abs(sumError)));
  return [
    {
      what: 'exact CPU against the truth, slices of 200 µs',
      most: `${MOST_PERCENT} %`,
      found: `${number(worst)} %`,
      isMet: worst <= MOST_PERCENT,
    },
    {
      what: 'all accounts against the CPU time of the thread',
      most: `${MOST_SUM_PERCENT} %`,
      found: `${number(sum)} %`,
      isMet: sum <= MOST_SUM_PERCENT,
    },
  ];
}

/** @param {any} data */
export function render(data) {
  const majors = majorsOf(data.runs);
  const rows = kinds.map((kind) => [
    kind.title,
    ...majors.flatMap((major) => {
      const runs = data.runs.filter((one) => one.major === major && one.kind === kind.name);
      const good = runs.filter(({ failure }) => failure === undefined);
      if (good.length === 0)
        return [runs[0] === undefined ? '–' : `failed: ${runs[0].failure}`, '–'];
      const worst = median(good.map(({ errors }) => Math.max(...errors.map(Math.abs))));
      const books = median(
        good.flatMap(({ sumError }) => (sumError === undefined ? [] : [Math.abs(sumError)])),
      );
      return [`${number(worst)} %`, Number.isNaN(books) ? '–' : `${number(books)} %`];
    }),
  ]);
  return `Three interleaved invocations do 60, 30 and 10 % of the work through promises, timers, immediates, ticks, files and streams,
and read the thread's CPU clock around each slice themselves; for bytes two invocations count the objects they make. The
figure is how far the worst of the owners is off (median of the runs); \`books\` is how far all accounts together are from
the thread's CPU time by the kernel. No peer bills.

${table(['', ...majors.flatMap((major) => [`Node ${major}`, 'books'])], rows)}`;
}
