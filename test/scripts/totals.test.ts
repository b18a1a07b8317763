import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, runProgram, withFolder } from '../helpers/programs.ts';

type Reports = Record<string, { status: string; name: string; message: string; tests: string[] }[]>;

/** Runs the script over reports shaped like vitest's; a test is given by its status. */
function totals(reports: Reports, failedStages: string[] = []) {
  return withFolder(async (folder) => {
    for (const [stage, files] of Object.entries(reports)) {
      const testResults = files.map(({ tests, ...file }) => ({
        ...file,
        assertionResults: tests.map((status, i) => ({
          status: status === 'flaky' ? 'passed' : status,
          fullName: `test ${i}`,
          failureMessages: ['failed', 'flaky'].includes(status) ? ['expected 1 to be 2'] : [],
        })),
      }));
      writeFileSync(join(folder, `${stage}.json`), JSON.stringify({ testResults }));
    }
    const { code, stdout } = await runProgram(join(root, 'scripts/totals.mjs'), {
      args: [folder, ...failedStages],
    });
    const lines = stdout.trim().split('\n');
    return { code, last: lines.at(-1), lines };
  });
}

const file = (status: string, ...tests: string[]) => ({
  status,
  name: 'a.test.ts',
  message: 'no',
  tests,
});

test('sums all reports', async () => {
  expect(
    await totals({
      one: [file('passed', 'passed', 'passed'), file('passed', 'passed', 'pending')],
      two: [file('passed', 'passed')],
    }),
  ).toEqual({
    code: 0,
    last: '4 passed, 0 failed',
    lines: ['skipped in one: 1', '4 passed, 0 failed'],
  });
});

test('names what failed', async () => {
  expect(await totals({ one: [file('failed', 'passed', 'failed', 'failed')] })).toEqual({
    code: 1,
    last: '1 passed, 2 failed',
    lines: [
      'FAILED one: test 1',
      '    expected 1 to be 2',
      'FAILED one: test 2',
      '    expected 1 to be 2',
      '1 passed, 2 failed',
    ],
  });
});

test('a file that could not be loaded is a failure', async () => {
  const { code, last, lines } = await totals({ one: [file('failed'), file('passed', 'passed')] });
  expect({ code, last }).toEqual({ code: 1, last: '1 passed, 1 failed' });
  expect(lines[0]).toBe('FAILED one: a.test.ts: no');
});

test('a failed stage counts once, also when its tests say so already', async () => {
  const reports = { one: [file('failed', 'passed', 'failed')], two: [file('passed', 'passed')] };
  expect((await totals(reports, ['one'])).last).toBe('2 passed, 1 failed');
  expect((await totals(reports, ['one', 'two', 'three'])).last).toBe('2 passed, 3 failed');
});

test('nothing run is not a success', async () => {
  expect(await totals({})).toMatchObject({ code: 1, last: '0 passed, 0 failed' });
});

test('names what failed first and passed then, with the failure', async () => {
  const { code, lines } = await totals({ one: [file('passed', 'passed', 'flaky')] });
  expect(code).toBe(0);
  expect(lines).toEqual(['FLAKY one: test 1', '    expected 1 to be 2', '2 passed, 0 failed']);
});
