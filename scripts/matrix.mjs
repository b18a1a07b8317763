/**
 * Runs the tests on every Node of nodes.json, one after the other, with the addon built for each.
 *
 *     node scripts/matrix.mjs                    all of them
 *     node scripts/matrix.mjs 22 24 -- test/cpu  some, with arguments for vitest
 *
 * Each run leaves its report in `.cache/reports/node-<major>.json`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildForAll } from './build-addon.mjs';
import { majors, nodeBinary, root, versions } from './nodes.mjs';

const args = process.argv.slice(2);
const end = args.includes('--') ? args.indexOf('--') : args.length;
const chosen = args.slice(0, end).map(Number);
const vitestArgs = args.slice(end + 1);
const reports = join(root, '.cache/reports');

await buildForAll();
mkdirSync(reports, { recursive: true });
/** @type {string[]} */
const lines = [];
for (const major of chosen.length > 0 ? chosen : majors) {
  const report = join(reports, `node-${major}.json`);
  rmSync(report, { force: true });
  console.log(`\nNode ${versions[major]}`);
  const startMillis = performance.now();
  const { status, signal } = spawnSync(
    nodeBinary(major),
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...vitestArgs],
    {
      cwd: root,
      env: { ...process.env, TEST_REPORT: report },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  if (status !== 0) process.exitCode = 1;
  const seconds = Math.round((performance.now() - startMillis) / 1000);
  lines.push(
    `Node ${versions[major]}: ${status === 0 ? 'passed' : `failed (${signal ?? status})`} in ${seconds} s`,
  );
}
console.log(`\n${lines.join('\n')}`);
