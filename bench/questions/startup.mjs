/** How much later does a program start? An empty one, under every profiler, the runs taking turns. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeBinary, root } from '../../scripts/nodes.mjs';
import { number, shortReason, table } from '../lib/markdown.mjs';
import { majorsOf, shuffled } from '../lib/order.mjs';
import { launch } from '../lib/process.mjs';
import { openSink } from '../lib/sink.mjs';
import { bootstrapError, median } from '../lib/statistics.mjs';
import { unavailable, variants } from '../variants/variants.mjs';

export const name = 'startup';
export const seconds = { full: 90, quick: 25 };
export const nodes = { full: [24, 20], quick: [24] };

/** The first run of a binary reads it from the disk. */
const WARM_UP_ROUNDS = 1;
const MAX_ROUNDS = 15;
const quick = ['nothing', 'again', 'bills'];

/** Those that are started in code are imported first, as their documentation says. */
const subjects = variants
  .filter(({ name }) => !['labels', 'spans'].includes(name))
  .map((variant) =>
    variant.name === 'bills' ? { ...variant, title: 'spanprof, preloaded' } : variant,
  );

/** @param {import('../run.mjs').Context} context */
export async function run({ form, data, save, say, endMillis, majors }) {
  data.runs ??= [];
  const chosen = subjects.filter(({ name }) => form === 'full' || quick.includes(name));
  const sink = await openSink();
  try {
    for (let round = -WARM_UP_ROUNDS; round < MAX_ROUNDS; round++) {
      for (const major of majors) {
        for (const variant of shuffled(chosen, round * 10 + major)) {
          if (performance.now() > endMillis) return;
          const figures = await once(variant, major, sink.url);
          if (round >= 0) data.runs.push({ round, major, variant: variant.name, ...figures });
        }
      }
      say(`round ${round + 1} of ${MAX_ROUNDS}`);
      save();
    }
  } finally {
    sink.close();
  }
}

async function once(variant, major, sinkUrl) {
  const reason = unavailable(variant, major);
  if (reason !== undefined) return { failure: reason };
  const folder = mkdtempSync(join(tmpdir(), 'spanprof-bench-'));
  const setting = { major, windowSeconds: 60, folder, sink: sinkUrl };
  const inCode = variant.args === undefined && variant.adapter !== 'nothing';
  const before = inCode
    ? ['--import', join(root, `bench/variants/${variant.adapter}.mjs`)]
    : variant.args?.(setting);
  const begin = performance.now();
  const measured = launch({
    node: nodeBinary(major),
    args: [...(before ?? []), join(root, 'bench/programs/startup.mjs')],
    cwd: folder,
    // Starting is what Node does on several threads.
    core: null,
    timeoutMillis: 20_000,
    env: { BENCH_SINK: sinkUrl, BENCH_WINDOW_SECONDS: '60', ...variant.env?.(setting) },
  });
  try {
    const { type: _, ...figures } = await measured.message('result');
    await measured.exited;
    return { ...figures, wholeMillis: performance.now() - begin };
  } catch (error) {
    return { failure: shortReason(error.message) };
  } finally {
    await measured.kill();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Round by round, the difference to nothing. @returns {number[]} */
function added(data, major, variant, pick) {
  const of = (name) =>
    data.runs.filter(
      (one) => one.major === major && one.variant === name && one.failure === undefined,
    );
  const bases = new Map();
  for (const base of [...of('nothing'), ...of('again')]) {
    bases.set(base.round, [...(bases.get(base.round) ?? []), pick(base)]);
  }
  return of(variant).flatMap((one) => {
    const base = bases.get(one.round);
    return base === undefined ? [] : [pick(one) - median(base)];
  });
}

/**
 * In CPU time, as a multiple of what Node itself needs: the clock on the wall says more of the machine.
 * @param {any} data
 */
export const gates = (data) =>
  [...new Set(data.runs.map(({ major }) => major))].flatMap((major) => {
    const cpu = (one) => one.cpuMillis;
    const base = data.runs.filter(
      (one) => one.major === major && one.variant === 'nothing' && one.failure === undefined,
    );
    const values = added(data, major, 'bills', cpu);
    if (values.length === 0 || base.length === 0) return [];
    const own = median(base.map(cpu));
    const error = bootstrapError(values, median) || 0;
    const name = `startup/${major}/CPU time added by the preload, in starts of Node`;
    return [{ name, value: median(values) / own, allowance: 1 + (3 * error) / own }];
  });

const MOST_MILLIS = 60;

/** @param {any} data @returns {import('../lib/budgets.mjs').Budget[]} */
export function budgets(data) {
  const millis = median(added(data, 24, 'bills', (one) => one.firstLineMillis));
  if (Number.isNaN(millis)) return [];
  const found = `${number(millis)} ms`;
  return [
    {
      what: 'start-up added by the preload',
      most: `${MOST_MILLIS} ms`,
      found,
      isMet: millis <= MOST_MILLIS,
    },
  ];
}

/** @param {any} data */
export function render(data) {
  const majors = majorsOf(data.runs);
  const blocks = majors.map((major) => {
    const rows = subjects.flatMap(({ name, title }) => {
      const runs = data.runs.filter((one) => one.major === major && one.variant === name);
      const good = runs.filter(({ failure }) => failure === undefined);
      if (runs.length === 0) return [];
      if (good.length === 0) return [[title, `failed: ${runs[0].failure}`, '–', '–', '–']];
      const cells = [
        (one) => one.firstLineMillis,
        (one) => one.cpuMillis,
        (one) => one.wholeMillis,
      ].map((pick) => {
        if (name === 'nothing') return number(median(good.map(pick)));
        const values = added(data, major, name, pick);
        const value = median(values);
        return `${value < 0 ? '−' : '+'}${number(Math.abs(value))} ± ${number(bootstrapError(values, median))}`;
      });
      return [[title, ...cells, String(good.length)]];
    });
    return `### Node ${major}\n\n${table(['', 'first line, ms', 'CPU until then, ms', 'whole run, ms', 'runs'], rows)}`;
  });
  return [
    `An empty program: the time from the start of the process to its first line, the CPU time of all threads until then, and the
time from spawn to exit as the parent sees it, which with some profilers includes writing the last profile. Medians; those of
profilers are differences to nothing, round by round, ± the standard error of the median. Peers that are started in code are
imported before the program. These processes are not pinned: V8 starts with several threads.`,
    ...blocks,
  ].join('\n\n');
}
