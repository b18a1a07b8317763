/** How fast the tools read large profiles; beside Go's own, where it is installed. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Profile, StringTable } from 'pprof-format';
import { nodeBinary, root } from '../../scripts/nodes.mjs';
import { OutOfTime } from '../lib/lanes.mjs';
import { mebibytes, number, shortReason, table } from '../lib/markdown.mjs';
import { peerPath } from '../lib/peers.mjs';
import { MEASURED_CORE } from '../lib/process.mjs';
import { median, randomNumbers } from '../lib/statistics.mjs';
import { timed } from '../lib/timed.mjs';

export const name = 'report';
export const seconds = { full: 60, quick: 0 };

const MAJOR = 24;
const RUNS = 2;
const TIMEOUT_MILLIS = 15_000;
const SIZES = [10_000, 50_000];
const WINDOWS = 60;

/** Deep stacks of a few thousand functions under labels of agents and sessions. */
function profileOf(samples, seed) {
  const random = randomNumbers(seed);
  const stringTable = new StringTable();
  const text = (/** @type {string} */ one) => stringTable.dedup(one);
  const functions = Array.from({ length: 3_000 }, (_, i) => ({
    id: i + 1,
    name: text(`function${i}`),
    systemName: text(`function${i}`),
    filename: text(`/app/src/file${i % 300}.js`),
    startLine: i % 500,
  }));
  const sample = Array.from({ length: samples }, () => {
    const depth = 10 + Math.floor(random() * 40);
    // Callers are alike, leaves differ.
    const locationId = Array.from(
      { length: depth },
      (_, i) => 1 + (((depth - i) * 61 + Math.floor(random() ** 4 * (depth - i) * 40)) % 3_000),
    );
    return {
      locationId,
      value: [1, Math.floor(random() * 2e7)],
      label: [
        { key: text('agent_name'), str: text(`agent-${Math.floor(random() * 10)}`) },
        { key: text('session_id'), str: text(`s-${Math.floor(random() * 500)}`) },
      ],
    };
  });
  return gzipSync(
    new Profile({
      sampleType: [
        { type: text('samples'), unit: text('count') },
        { type: text('cpu'), unit: text('nanoseconds') },
      ],
      sample,
      location: functions.map(({ id }) => ({ id, line: [{ functionId: id, line: id % 500 }] })),
      function: functions,
      periodType: { type: text('cpu'), unit: text('nanoseconds') },
      period: 10_000_000,
      timeNanos: 1.7e18,
      durationNanos: 6e10,
      stringTable,
    }).encode(),
    { level: 1 },
  );
}

/** @param {import('../run.mjs').Context} context */
export async function run({ data, save, say, endMillis }) {
  data.runs = [];
  const folder = mkdtempSync(join(tmpdir(), 'spanprof-bench-'));
  const node = nodeBinary(MAJOR);
  const cli = join(root, 'dist/cli/main.js');
  try {
    const windows = join(folder, 'windows');
    mkdirSync(windows);
    for (let i = 0; i < WINDOWS; i++) {
      const time = new Date(1.7e12 + i * 60_000).toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
      writeFileSync(join(windows, `bench-${time}Z-1-cpu.pb.gz`), profileOf(2_000, i));
    }
    const tasks = SIZES.flatMap((size) => {
      const file = join(folder, `${size}.pb.gz`);
      const bytes = profileOf(size, size);
      writeFileSync(file, bytes);
      const what = `${size.toLocaleString('en-US')} samples (${mebibytes(bytes.length)})`;
      return [
        { what, tool: 'spanprof top', command: [node, cli, 'top', file] },
        {
          what,
          tool: 'spanprof flamegraph, SVG',
          command: [node, cli, 'flamegraph', file, '-o', join(folder, 'out.svg')],
        },
        {
          what,
          tool: 'spanprof flamegraph, page',
          command: [node, cli, 'flamegraph', file, '-o', join(folder, 'out.html')],
        },
        { what, tool: 'go tool pprof -top', command: [go(), 'tool', 'pprof', '-top', file] },
        {
          what,
          tool: '@platformatic/flame generate',
          command: [
            node,
            join(peerPath('@platformatic/flame'), '../../bin/flame.js'),
            'generate',
            '-o',
            join(folder, 'flame.html'),
            file,
          ],
        },
      ];
    });
    tasks.push({
      what: `${WINDOWS} windows of 2,000 samples`,
      tool: 'spanprof report',
      command: [node, cli, 'report', windows, '-o', join(folder, 'report.html')],
    });
    for (const { what, tool, command } of tasks) {
      if (performance.now() > endMillis) throw new OutOfTime();
      const runs = [];
      let failure;
      for (let i = 0; i < RUNS && failure === undefined; i++) {
        try {
          runs.push(
            await timed(command, {
              core: MEASURED_CORE,
              timeoutMillis: TIMEOUT_MILLIS,
              cwd: folder,
            }),
          );
        } catch (error) {
          failure = shortReason(error.message);
        }
      }
      data.runs.push({ what, tool, runs, failure });
      say(
        `${tool}, ${what}: ${failure ?? `${number(median(runs.map(({ wallMillis }) => wallMillis)))} ms`}`,
      );
      save();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function go() {
  try {
    return execFileSync('sh', ['-c', 'command -v go'], { encoding: 'utf8' }).trim();
  } catch {
    return 'go';
  }
}

/** @param {any} data */
export function render(data) {
  const rows = data.runs.map(({ what, tool, runs, failure }) => {
    if (failure !== undefined) return [tool, what, `failed: ${failure}`, '–'];
    return [
      tool,
      what,
      number(median(runs.map(({ wallMillis }) => wallMillis))),
      tool.startsWith('go ') ? '–' : number(median(runs.map(({ rssMib }) => rssMib))),
    ];
  });
  return `Whole commands, Node's start included, on one core of Node ${MAJOR}; medians of ${RUNS}. Stacks of 10 to 50 frames, 3,000 functions,
5,000 sets of labels.

${table(['command', 'input', 'ms', 'largest RSS, MiB'], rows)}`;
}
