/**
 * What heap sampling costs: the same work in processes of their own, in turns, with everything else
 * off. CPU time of the process, median of the runs.
 *
 *     node bench/heap.mjs [runs]
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median } from './lib/statistics.mjs';

const runs = Number(process.argv[2] ?? 7);
const self = fileURLToPath(import.meta.url);

/** @type {Readonly<Record<string, Record<string, string>>>} */
const variants = {
  off: { SPANPROF_HEAP: 'off' },
  unlabelled: { SPANPROF_HEAP_LABELS: 'off', SPANPROF_HEAP_ALLOCS: 'off' },
  labelled: { SPANPROF_HEAP_ALLOCS: 'off' },
  'labelled and allocs': {},
};

if (process.argv[2] === 'work') await work();
else compare();

function compare() {
  /** @type {Record<string, number[]>} */
  const cpuMillis = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  for (let i = 0; i < runs; i++) {
    for (const [name, env] of Object.entries(variants)) {
      const { stdout, stderr, status } = spawnSync(process.execPath, [self, 'work'], {
        encoding: 'utf8',
        env: { ...process.env, SPANPROF_EXPORTERS: '', SPANPROF_CPU: 'on', ...env },
      });
      if (status !== 0) throw new Error(stderr);
      cpuMillis[name]?.push(Number(stdout));
    }
  }
  const base = median(cpuMillis['off'] ?? []);
  for (const [name, values] of Object.entries(cpuMillis)) {
    const millis = median(values);
    const spread = ((Math.max(...values) - Math.min(...values)) / millis / 2) * 100;
    const ratio = (millis / base - 1) * 100;
    console.log(
      `${name.padEnd(20)} ${millis.toFixed(0).padStart(6)} ms CPU  ${ratio.toFixed(1).padStart(5)} %  (± ${spread.toFixed(1)} %)`,
    );
  }
}

/** JSON requests of two agents, some 300 MB a second. */
async function work() {
  const { run, start, stop } = await import('spanprof');
  const document = JSON.stringify(Array.from({ length: 200 }, (_, i) => ({ i, text: `row ${i}` })));
  await start();
  const before = process.cpuUsage();
  for (let i = 0; i < 6_000; i++) {
    await run({ agent_name: i % 2 === 0 ? 'planner' : 'writer' }, async () => {
      const rows = JSON.parse(document);
      await null;
      rows.sort((/** @type {{ i: number }} */ a, /** @type {{ i: number }} */ b) => b.i - a.i);
      JSON.stringify(rows);
    });
  }
  const { user, system } = process.cpuUsage(before);
  await stop();
  console.log((user + system) / 1_000);
}
