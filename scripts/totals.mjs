/**
 * Sums vitest's JSON reports and prints what failed, what needed a second try, what was skipped
 * and, last, the totals as `N passed, N failed`.
 *
 *     node scripts/totals.mjs <folder of reports> [what else failed]...
 *
 * Every further argument is the name of a stage that failed. A stage whose tests all passed, or
 * that never came to run them, counts as one failure: its report, if any, does not show it.
 * Exits with 1 unless everything passed and at least one test ran.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What of a failure is kept at the end of a long log, where it is looked for first. */
const FAILURE_LINES = 12;

const [folder = '', ...failedStages] = process.argv.slice(2);
let passed = 0;
let failed = 0;
/** @type {Set<string>} */
const stagesWithFailures = new Set();

const names = existsSync(folder) ? readdirSync(folder) : [];
for (const name of names.filter((name) => name.endsWith('.json')).sort()) {
  const report = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const stage = basename(name, '.json');
  const before = failed;
  let skipped = 0;
  for (const file of report.testResults) {
    const counts = { passed: 0, failed: 0 };
    for (const test of file.assertionResults) {
      if (test.status === 'passed') counts.passed++;
      else if (test.status === 'failed') counts.failed++;
      else skipped++;
      if (test.status === 'failed') {
        console.log(`FAILED ${stage}: ${test.fullName}`);
      } else if (test.status === 'passed' && hasFailed(test)) {
        console.log(`FLAKY ${stage}: ${test.fullName}`);
      }
      for (const message of test.failureMessages ?? []) console.log(firstLines(message));
    }
    // A file that cannot be loaded has no tests to show for it.
    if (file.status === 'failed' && counts.failed === 0) {
      counts.failed = 1;
      console.log(`FAILED ${stage}: ${file.name}: ${file.message}`);
    }
    passed += counts.passed;
    failed += counts.failed;
  }
  if (skipped > 0) console.log(`skipped in ${stage}: ${skipped}`);
  if (failed > before) stagesWithFailures.add(stage);
}
for (const stage of failedStages) {
  if (stagesWithFailures.has(stage)) continue;
  failed++;
  console.log(`FAILED ${stage}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = passed > 0 && failed === 0 ? 0 : 1;

/**
 * Failed at first and passed at its second try.
 * @param {{ failureMessages?: string[] }} test
 */
function hasFailed(test) {
  return (test.failureMessages ?? []).length > 0;
}

/** @param {string} message */
function firstLines(message) {
  const lines = message.split('\n').slice(0, FAILURE_LINES);
  return lines.map((line) => `    ${line}`).join('\n');
}
