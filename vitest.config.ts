import { defineConfig } from 'vitest/config';

/**
 * `unit` runs its files side by side. `truth` compares what we measure with the operating system's
 * clocks, so its files run one at a time and only after `unit` is through: a busy neighbour on the
 * same core would be a wrong result.
 *
 * The suites below take long or need what must be fetched or built first. None is part of
 * `npm test`; each runs alone with `--mode <name>`, and all of them in CI.
 */
const truth = ['test/truth/**/*.test.ts'];
const suites: Readonly<Record<string, readonly string[]>> = {
  /** The tarball, installed from the registry. */
  package: ['test/package/**/*.test.ts'],
  /** Real agent frameworks and a real tracing back end. */
  otel: ['test/otel/real/**/*.test.ts'],
  /** A real Pyroscope. */
  pyroscope: ['test/pyroscope/**/*.test.ts'],
  /** Google's own agent against our server. */
  gcp: ['test/gcp/reference/*.test.ts'],
  /** Pages in a browser. */
  browser: ['test/browser/**/*.test.ts'],
  /** Minutes of load. */
  soak: ['test/soak/**/*.test.ts'],
};
const SUITE_MILLIS = 300_000;
const SOAK_MILLIS = 2_400_000;

/** Programs with packages of their own bring those packages' tests. */
const foreign = ['**/node_modules/**'];

/**
 * A test that needs a second try has found something: here it fails. In CI, where six thousand
 * results decide at once, it gets that try, and the totals name it with its first failure.
 */
const secondTry = process.env['CI'] === undefined ? 0 : 1;

/** Where CI wants the results as JSON, beside the usual output. */
const report = process.env['TEST_REPORT'];

export default defineConfig(({ mode }) => ({
  test: {
    pool: 'forks',
    // Vitest would leave one core to itself; most of our tests wait for programs they started.
    maxWorkers: 2,
    // Most tests start a Node process or several; on a loaded two-core machine that takes seconds.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    retry: secondTry,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: projectsOf(mode),
  },
}));

function projectsOf(mode: string) {
  const suite = suites[mode];
  // Minutes of load are a long try already.
  if (mode === 'soak' && suite !== undefined) return [alone(mode, suite, SOAK_MILLIS, 0)];
  if (suite !== undefined) return [alone(mode, suite, SUITE_MILLIS)];
  const unit = {
    extends: true as const,
    test: {
      name: 'unit',
      include: ['test/**/*.test.ts'],
      exclude: [...foreign, ...truth, ...Object.values(suites).flat()],
      sequence: { groupOrder: 0 },
    },
  };
  return [unit, alone('truth', truth, 180_000)];
}

/** One file at a time, after everything else. */
function alone(name: string, include: readonly string[], testTimeout: number, retry = secondTry) {
  return {
    extends: true as const,
    test: {
      name,
      include: [...include],
      retry,
      testTimeout,
      hookTimeout: testTimeout,
      fileParallelism: false,
      sequence: { groupOrder: 1 },
    },
  };
}
