/** How the costs of a request are shown: tables, a chart, and what was promised. */

import { change, mebibytes, number, percentMore, table } from '../lib/markdown.mjs';
import { majorsOf } from '../lib/order.mjs';
import { median } from '../lib/statistics.mjs';
import { barChart } from '../lib/svg.mjs';
import { loads } from '../loads/loads.mjs';
import { variants } from '../variants/variants.mjs';
import { BASES, byRound, comparisons, FLOORS, OURS } from './overhead.mjs';

const placeOf = (/** @type {string} */ name) =>
  variants.findIndex((variant) => variant.name === name);

/** Percent of CPU time; labels and bills alone are in steady.mjs. */
const BUDGETS = [
  {
    variant: 'everything',
    title: 'exact bytes too, everything on',
    load: 'agent-service',
    most: 4,
  },
  { variant: 'everything', title: 'exact bytes too, everything on', load: 'json-server', most: 15 },
];
/**
 * Those whose labels follow asynchronous work, as ours do. `@pyroscope/nodejs` sets them synchronously: on the
 * programs of bench/questions/labels.mjs one of twenty samples has its owner.
 */
const LABELLED_PEERS = ['datadog-pprof'];

/**
 * @typedef {object} Promised
 * @property {string} variant @property {string} title @property {string} load
 * @property {number} most percent of CPU time
 * @property {string} [floor] the variant that says what V8 alone takes for it; `floor` unless said
 */

/**
 * What was promised on Node 24, beside what was found.
 * @param {any} data @param {readonly Promised[]} promised @param {string} when
 * @returns {import('../lib/budgets.mjs').Budget[]}
 */
export function promises(data, promised, when) {
  const all = comparisons(data).filter(({ major, rounds }) => major === 24 && rounds > 0);
  const find = (load, variant) => all.find((one) => one.load === load && one.variant === variant);
  return promised.flatMap(({ variant, title, load, most, floor: leastOf = 'floor' }) => {
    const one = find(load, variant);
    if (one === undefined) return [];
    const over = one.ratio - 1 - most / 100;
    const floor = find(load, leastOf);
    const least = floor === undefined ? '' : `; V8's own: ${percentMore(floor.ratio)}`;
    return [
      {
        what: `${title}, CPU time of a request ${when}: ${loads.find(({ name }) => name === load)?.title}`,
        most: `+${most} %`,
        found: `${change(one, one.floor)}${least}`,
        isMet: over <= 0,
        isNoise: over <= one.floor,
      },
    ];
  });
}

/** @param {any} data @returns {import('../lib/budgets.mjs').Budget[]} */
export function budgets(data) {
  const all = comparisons(data).filter(({ rounds }) => rounds > 0);
  const find = (load, variant, major) =>
    all.find((one) => one.major === major && one.load === load && one.variant === variant);
  const besidePeers = [24, 20]
    .flatMap((major) => loads.map((load) => ({ major, load })))
    .flatMap(({ major, load }) => {
      const ours = find(load.name, 'labels', major);
      const [cheapest] = LABELLED_PEERS.flatMap((peer) => find(load.name, peer, major) ?? []).sort(
        (a, b) => a.ratio - b.ratio,
      );
      if (ours === undefined || cheapest === undefined) return [];
      const over = ours.ratio - cheapest.ratio;
      const what = `labels only beside the cheapest labelled peer (${cheapest.variant}): ${load.title}, Node ${major}`;
      return [
        {
          what,
          most: percentMore(cheapest.ratio),
          found: percentMore(ours.ratio),
          isMet: over <= 0,
          isNoise: over <= ours.floor,
        },
      ];
    });
  return [...promises(data, BUDGETS, 'in the first seconds'), ...besidePeers];
}

/** Whether the governor of bills ever did, in any run. @param {any} data */
const gaveUp = (data, /** @type {number} */ major, /** @type {string} */ load) =>
  (data.cells[`${major}/${load}/bills`] ?? []).some(
    (/** @type {any} */ run) => (run.evidence?.bills?.fallbacks ?? 0) > 0,
  );

/** @param {any} data @param {(name: string, svg: string) => string} image */
export function render(data, image) {
  const all = comparisons(data);
  const majors = majorsOf(all);
  const measured = loads.filter((load) => all.some((one) => one.load === load.name));
  const parts = [
    `CPU time of the whole process (all threads, user and system) for an operation, beside the same load without a
profiler. Windows of ${data.windowSeconds} s, so each run pays for the end of at least one; at 60 s that part is thirty times smaller.
Every run is a process of its own; a round runs every variant once, in random order; figures are geometric means of the
rounds' ratios ± their standard error (bootstrap). **Not measurable** is what is smaller than the noise: two equal variants
differ by that much in 95 of 100 tries, judged by the scatter of all runs of the load. The loads are in \`bench/loads/\`.

"V8's samplers and an AsyncLocalStorage" is the floor: V8's CPU profiler at 100 Hz and its heap sampling at 512 KiB, never
read, and each owner in an AsyncLocalStorage. Exact CPU time needs to be told of every callback and every await too: an
empty hook there is the floor of the bills. In the agent service "labels only" and the peers are told their owners by the
program; "labels of spans", the bills and \`dd-trace\` follow its six OpenTelemetry spans a request by themselves.

\`@pyroscope/nodejs\` labels what runs synchronously in its call, which costs next to nothing and finds the owner of one
sample in twenty (below): it is not what our labels are held against. On Node 20 and 22 labels that follow asynchronous
work need hooks at every promise, as the AsyncLocalStorage of these versions does: the promise storm is nothing else.`,
  ];
  for (const major of majors) {
    const here = all.filter((one) => one.major === major);
    const rounds = Math.max(...here.map((one) => one.rounds));
    parts.push(`### Node ${major}, ${rounds} rounds`);
    const estimated = measured.filter((load) => gaveUp(data, major, load.name));
    if (estimated.length > 0)
      parts.push(`Exact CPU time was more than 3 % of all and gave way to estimates, some or most of the time, in:
${estimated.map(({ title }) => title).join(', ')}.`);
    parts.push(ratioTable(data, major, measured));
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
        .sort((a, b) => placeOf(a.variant) - placeOf(b.variant))
        .map((one) => ({
          label: variants.find(({ name }) => name === one.variant)?.title ?? one.variant,
          value: (one.ratio - 1) * 100,
          error: one.floor * 100,
          isOurs: OURS.includes(one.variant),
          isFloor: FLOORS.includes(one.variant),
        })),
    })),
    note: 'Whiskers: the noise floor. A bar inside of them is not measurable.',
  });
  parts.splice(1, 0, `![CPU time added to a request](${image('overhead.svg', svg)})`);
  return parts.join('\n\n');
}

/**
 * Every variant on every load, beside nothing.
 * @param {any} data @param {number} major @param {readonly import('../loads/loads.mjs').Load[]} measured
 */
export function ratioTable(data, major, measured) {
  const here = comparisons(data).filter((one) => one.major === major);
  const find = (/** @type {string} */ load, /** @type {string} */ variant) =>
    here.find((one) => one.load === load && one.variant === variant);
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
  const floors = measured.map((load) => {
    const floor = find(load.name, 'labels')?.floor ?? Number.NaN;
    return Number.isNaN(floor) ? 'one round: unknown' : `± ${(floor * 100).toFixed(1)} %`;
  });
  return table(
    ['', ...measured.map(({ title }) => title)],
    [['nothing', ...absolute], ['noise floor', ...floors], ...rows],
  );
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
