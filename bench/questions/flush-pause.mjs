/** How long the application waits when a window ends, beside what V8 itself needs for it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeBinary, root } from '../../scripts/nodes.mjs';
import { buildFloor } from '../lib/floor.mjs';
import { inLanes } from '../lib/lanes.mjs';
import { number, shortReason, table } from '../lib/markdown.mjs';
import { majorsOf } from '../lib/order.mjs';
import { launch } from '../lib/process.mjs';
import { openSink } from '../lib/sink.mjs';
import { median } from '../lib/statistics.mjs';
import { barChart } from '../lib/svg.mjs';
import { variantOf } from '../variants/variants.mjs';

export const name = 'flush-pause';
export const seconds = { full: 200, quick: 60 };
export const nodes = { full: [24, 20], quick: [24] };

/** At higher rates than usual, or 20,000 samples would take minutes. */
const sizes = [
  { samples: 1_000, windowSeconds: 4, hertz: 250, windows: { full: 4, quick: 2 } },
  { samples: 6_000, windowSeconds: 6, hertz: 1_000, windows: { full: 3, quick: 2 } },
  { samples: 20_000, windowSeconds: 20, hertz: 1_000, windows: { full: 1, quick: 0 } },
];

const labels = variantOf('labels');
/** @type {readonly { name: string, title: string, adapter: string, isQuick?: boolean, args?: any, env?: any, fromStart?: boolean }[]} */
const subjects = [
  { name: 'floor', title: "V8's floor", adapter: 'floor', isQuick: true },
  {
    ...labels,
    name: 'spanprof',
    title: 'spanprof',
    adapter: 'spanprof-timed',
    isQuick: true,
    fromStart: true,
    env: (setting) => ({
      ...labels.env?.(setting),
      SPANPROF_ATTRIBUTION_CPU: 'exact',
      SPANPROF_CPU_FREQUENCY_HERTZ: String(setting.hertz),
    }),
  },
  { ...variantOf('datadog-pprof'), isQuick: true },
  variantOf('pyroscope'),
];

/** @param {import('../run.mjs').Context} context */
export async function run({ form, data, save, say, endMillis, majors }) {
  data.runs ??= [];
  const cells = majors.flatMap((major) =>
    [...sizes]
      .reverse()
      .flatMap((size) =>
        subjects
          .filter((subject) => size.windows[form] > 0 && (form === 'full' || subject.isQuick))
          .map((subject) => ({ major, size, subject })),
      ),
  );
  await inLanes(cells, endMillis, async ({ major, size, subject }, core) => {
    const figures = await once(major, size, size.windows[form], subject, core);
    data.runs.push({ major, samples: size.samples, variant: subject.name, ...figures });
    const said =
      figures.failure ??
      `${figures.pauses.map(({ longestMillis }) => number(longestMillis)).join(', ')} ms`;
    say(`Node ${major}, ${size.samples} samples, ${subject.name}: ${said}`);
    save();
  });
}

async function once(major, { windowSeconds, hertz }, windows, subject, core) {
  const folder = mkdtempSync(join(tmpdir(), 'spanprof-bench-'));
  const sink = await openSink();
  const setting = { major, windowSeconds, folder, sink: sink.url, hertz };
  try {
    const measured = launch({
      node: nodeBinary(major),
      args: [
        '--expose-gc',
        ...(subject.args?.(setting) ?? []),
        join(root, 'bench/programs/flush-pause.mjs'),
      ],
      cwd: folder,
      core,
      timeoutMillis: windowSeconds * (2 * windows + 1) * 1_000 + 20_000,
      env: {
        BENCH_ADAPTER: subject.adapter,
        BENCH_COUNT: String(windows),
        BENCH_FLOOR: subject.adapter === 'floor' ? buildFloor(major) : '',
        BENCH_FOLDER: folder,
        BENCH_FROM_START: subject.fromStart === true ? 'on' : 'off',
        BENCH_INTERVAL_MICROS: String(1e6 / hertz),
        BENCH_SINK: sink.url,
        BENCH_WINDOW_SECONDS: String(windowSeconds),
        ...subject.env?.(setting),
      },
    });
    const { pauses, parts } = await measured.message('result');
    await measured.kill();
    return { pauses, parts };
  } catch (error) {
    return { failure: shortReason(error.message) };
  } finally {
    sink.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** @param {any} data @param {number} major @param {number} samples @param {string} variant */
const find = (data, major, samples, variant) =>
  data.runs.find(
    (one) => one.major === major && one.samples === samples && one.variant === variant,
  );

const longest = (one) => median(one.pauses.map(({ longestMillis }) => longestMillis));
const longestCpu = (one) => median(one.pauses.map(({ longestCpuMillis }) => longestCpuMillis));
const blocked = (one) => median(one.pauses.map(({ sumCpuMillis }) => sumCpuMillis));

/** The floor's own time: the loop's gap around it holds nothing else. */
function partsOf(one) {
  const windows = one.parts.slice(0, one.pauses.length);
  const names = [...new Set(windows.flatMap(Object.keys))];
  return Object.fromEntries(
    names.map((part) => [part, median(windows.map((window) => window[part] ?? 0))]),
  );
}

/**
 * Beside the peer in the same run: both get slower on a slow machine.
 * @param {any} data
 */
export const gates = (data) =>
  data.runs.flatMap((one) => {
    if (one.variant !== 'spanprof' || one.failure !== undefined) return [];
    const peer = find(data, one.major, one.samples, 'datadog-pprof');
    if (peer === undefined || peer.failure !== undefined) return [];
    const value = blocked(one) / blocked(peer);
    // A window or two each; a collection of garbage in one of them is half of it.
    const allowance = 0.5 + value * 0.5;
    const name = `flush-pause/${one.major}/${one.samples} samples, CPU time beside @datadog/pprof`;
    return [{ name, value, allowance }];
  });

const MOST_MILLIS = 5;

/** @param {any} data @returns {import('../lib/budgets.mjs').Budget[]} */
export function budgets(data) {
  const one = find(data, 24, 6_000, 'spanprof');
  if (one === undefined || one.failure !== undefined) return [];
  const what = "longest pause of the event loop at a window's end, 6,000 samples";
  return [
    {
      what,
      most: `${MOST_MILLIS} ms`,
      found: `${number(longest(one))} ms`,
      isMet: longest(one) <= MOST_MILLIS,
    },
  ];
}

/** @param {any} data @param {(name: string, svg: string) => string} image */
export function render(data, image) {
  const majors = majorsOf(data.runs);
  const used = sizes.filter(({ samples }) => data.runs.some((one) => one.samples === samples));
  const blocks = majors.map((major) => {
    const rows = subjects
      .filter((subject) => used.some(({ samples }) => find(data, major, samples, subject.name)))
      .map((subject) => [
        subject.title,
        ...used.flatMap(({ samples }) => {
          const one = find(data, major, samples, subject.name);
          if (one === undefined) return ['–', '–', '–'];
          if (one.failure !== undefined) return [`failed: ${one.failure}`, '–', '–'];
          return [number(longest(one)), number(longestCpu(one)), number(blocked(one))];
        }),
      ]);
    const heading = [
      'ms',
      ...used.flatMap(({ samples }) => [
        `${samples.toLocaleString('en-US')} samples`,
        'CPU',
        'all gaps',
      ]),
    ];
    return `### Node ${major}\n\n${table(heading, rows)}\n\n${partsTable(data, major, used)}`;
  });
  const [major = 24] = majors;
  const svg = barChart({
    title: `Longest pause of the event loop at a window's end, Node ${major}`,
    unit: 'ms',
    groups: used.map(({ samples }) => ({
      label: `${samples.toLocaleString('en-US')} samples`,
      bars: subjects.flatMap((subject) => {
        const one = find(data, major, samples, subject.name);
        if (one === undefined || one.failure !== undefined) return [];
        const kind = { isOurs: subject.name === 'spanprof', isFloor: subject.name === 'floor' };
        return [{ label: subject.title, value: longest(one), ...kind }];
      }),
    })),
    note: "Stacks of the TypeScript compiler. The floor: V8's stop, a walk of its tree and its samples, and the release of both.",
  });
  return [
    `The longest time for which the event loop did not come round when a window ended, median of the windows of a process; the
same in CPU time of the thread, which other work on the machine does not stretch; and the CPU time of all such gaps over
0.5 ms together. The load is the TypeScript compiler as five agents; samples are taken at 250 Hz (1,000) and
1,000 Hz, so that the sizes are those of windows of 10 s, 60 s and 200 s at the usual 100 Hz. Heap sampling is on as by
default. \`@platformatic/flame\` and \`--cpu-prof\` have no windows: they stop once, at exit. \`dd-trace\` stops and serialises
with \`@datadog/pprof\`, at a fixed rate. Parts of spanprof are CPU time, those of others elapsed time.`,
    `![Longest pause at a window's end](${image('flush-pause.svg', svg)})`,
    ...blocks,
  ].join('\n\n');
}

function partsTable(data, major, used) {
  const rows = ['floor', 'spanprof', 'datadog-pprof'].flatMap((variant) => {
    const title = subjects.find((subject) => subject.name === variant)?.title ?? '';
    const found = used.map(({ samples }) => find(data, major, samples, variant));
    const parts = found.map((one) => (one?.parts === undefined ? {} : partsOf(one)));
    const names = [...new Set(parts.flatMap(Object.keys))].filter((part) => part !== 'samples');
    const lines = names.map((part) => [
      part === 'nodes' ? `${title}: nodes of the tree (a number)` : `${title}: ${part}`,
      ...parts.map((one) => number(one[part])),
    ]);
    if (variant !== 'spanprof') return lines;
    const rest = found.map((one, i) => {
      if (one?.pauses === undefined) return '–';
      const known = Object.values(parts[i] ?? {}).reduce((sum, millis) => sum + millis, 0);
      return number(Math.max(blocked(one) - known, 0));
    });
    return [...lines, [`${title}: encode, hand over, the rest`, ...rest]];
  });
  const heading = ['the parts, ms', ...used.map(({ samples }) => samples.toLocaleString('en-US'))];
  return table(heading, rows);
}
