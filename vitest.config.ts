import { defineConfig } from 'vitest/config';

/**
 * `unit` runs its files side by side. `truth` compares what we measure with the operating system's
 * clocks, so its files run one at a time and only after `unit` is through: a busy neighbour on the
 * same core would be a wrong result.
 *
 * `--mode package` runs what looks at the tarball and needs the registry, `--mode browser` what
 * needs Chromium, `--mode soak` the long ones; none is part of `npm test`.
 */
const truth = ['test/truth/**/*.test.ts'];
const soak = ['test/soak/**/*.test.ts'];
const browser = ['test/browser/**/*.test.ts'];
const packaging = ['test/package/**/*.test.ts'];

/** Where CI wants the results as JSON, beside the usual output. */
const report = process.env['TEST_REPORT'];

export default defineConfig(({ mode }) => ({
  test: {
    pool: 'forks',
    // Most tests start a Node process or several; on a loaded two-core machine that takes seconds.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    // A test that needs a second try has found something.
    retry: 0,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: projectsOf(mode),
  },
}));

function projectsOf(mode: string) {
  if (mode === 'soak') return [alone('soak', soak, 1_200_000)];
  if (mode === 'package') return [alone('package', packaging, 300_000)];
  if (mode === 'browser') return [alone('browser', browser, 60_000)];
  const unit = {
    extends: true as const,
    test: {
      name: 'unit',
      include: ['test/**/*.test.ts'],
      exclude: [...truth, ...soak, ...browser, ...packaging],
      sequence: { groupOrder: 0 },
    },
  };
  return [unit, alone('truth', truth, 180_000)];
}

/** One file at a time, after everything else. */
function alone(name: string, include: string[], testTimeout: number) {
  return {
    extends: true as const,
    test: {
      name,
      include,
      testTimeout,
      hookTimeout: testTimeout,
      fileParallelism: false,
      sequence: { groupOrder: 1 },
    },
  };
}
