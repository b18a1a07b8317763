/** What leaves the process, and what sending it costs, beside Pyroscope's own client. */
import { join } from 'node:path';
import { nodeBinary, root } from '../../scripts/nodes.mjs';
import { number, shortReason, table } from '../lib/markdown.mjs';
import { launch } from '../lib/process.mjs';

export const name = 'upload';
export const seconds = { full: 75, quick: 0 };

/** @param {import('../run.mjs').Context} context */
export async function run({ data, save, say, majors = [24] }) {
  data.runs = [];
  for (const major of majors.slice(0, 1)) {
    try {
      const measured = launch({
        node: nodeBinary(major),
        args: [join(root, 'bench/upload.mjs'), '--quick', '--json'],
        cwd: root,
        // Client and server are in it.
        core: null,
        timeoutMillis: 85_000,
      });
      const { type: _, ...figures } = await measured.message('result');
      await measured.exited;
      data.runs.push({ major, ...figures });
    } catch (error) {
      data.runs.push({ major, failure: shortReason(error.message) });
    }
    say(JSON.stringify(data.runs.at(-1)));
    save();
  }
}

/** @param {any} data */
export function render(data) {
  const [one] = data.runs;
  if (one === undefined || one.failure !== undefined) throw new Error(one?.failure ?? 'nothing');
  const rows = [
    ['spanprof', one.spanprof],
    ['@pyroscope/nodejs', one.pyroscope],
  ].map(([title, { uploads, kibEach, kibAnHour, cpuMillis }]) => [
    title,
    String(uploads),
    number(kibEach),
    number(kibAnHour),
    number(cpuMillis),
  ]);
  return `The same load of small owners under both, CPU, wall and heap at 100 Hz with windows of ${one.windowSeconds} s, sent to a local server that counts
bytes (Node ${one.major}). CPU time is that of sending one and the same profile again and again: encode, compress, request; for spanprof also
the spool. spanprof sends \`allocs\` profiles too and \`cpu\` and \`wall\` apart. With windows of 60 s both send less: the budget of
${number(one.budgetKibAnHour)} KiB an hour is for those, and \`node bench/upload.mjs\` measures them.

${table(['', 'requests', 'KiB each', 'KiB an hour', 'CPU ms a request'], rows)}`;
}
