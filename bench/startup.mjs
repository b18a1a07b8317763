/**
 * How much later does a program start under the preload? An empty program, with and without
 * `--require spanprof/register`, each run in a process of its own, the two taking turns so that a
 * busy moment of the machine meets both.
 *
 *     node bench/startup.mjs [majors]      20 and 24 unless named; needs `npm run build` before
 *
 * "first line" is the time from the start of the process to the first line of the program, on the
 * process's own clock. "whole run" is from spawn to exit as the parent sees it; under the preload it
 * includes writing the last window. All times are medians.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeBinary, root, versions } from '../scripts/nodes.mjs';

const RUNS = 15;
/** The first runs of a binary read it from the disk. */
const WARM_UP_RUNS = 2;
const PROGRAM = 'process.stdout.write(String(performance.now()));\n';

const named = process.argv.slice(2).map(Number);
const majors = named.length > 0 ? named : [20, 24];
const register = join(root, 'dist/register.js');
if (!existsSync(register)) throw new Error('dist/register.js is missing: run npm run build first');

const folder = mkdtempSync(join(tmpdir(), 'spanprof-bench-'));
try {
  const program = join(folder, 'empty.cjs');
  writeFileSync(program, PROGRAM);
  console.log(`${availableParallelism()} × ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}`);
  console.log(`median of ${RUNS} runs in milliseconds\n`);
  row('Node', ['first line', 'preloaded', 'added', 'whole run', 'preloaded', 'added']);
  for (const major of majors) {
    const { without, preloaded } = measure(nodeBinary(major), program);
    const cells = ['firstLine', 'whole'].flatMap((name) => {
      const before = median(without.map((run) => run[name]));
      const after = median(preloaded.map((run) => run[name]));
      return [before, after, after - before].map((millis) => millis.toFixed(1));
    });
    row(versions[major] ?? String(major), cells);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @param {string} node @param {string} program */
function measure(node, program) {
  const without = [];
  const preloaded = [];
  for (let i = -WARM_UP_RUNS; i < RUNS; i++) {
    const one = run(node, [program]);
    const other = run(node, ['--require', register, program]);
    if (i < 0) continue;
    without.push(one);
    preloaded.push(other);
  }
  return { without, preloaded };
}

/** @param {string} node @param {readonly string[]} args */
function run(node, args) {
  const profiles = join(folder, 'profiles');
  mkdirSync(profiles, { recursive: true });
  const begin = performance.now();
  const { status, stdout, stderr } = spawnSync(node, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], SPANPROF_FILE_DIRECTORY: profiles },
  });
  const whole = performance.now() - begin;
  if (status !== 0 || stderr !== '') throw new Error(`${args.join(' ')} ended badly: ${stderr}`);
  rmSync(profiles, { recursive: true });
  return { firstLine: Number(stdout), whole };
}

/** @param {readonly number[]} numbers */
function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
}

/** @param {string} title @param {readonly string[]} cells */
function row(title, cells) {
  console.log(title.padEnd(9) + cells.map((cell) => cell.padStart(12)).join(''));
}
