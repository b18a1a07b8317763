import { defineConfig } from 'vitest/config';

/**
 * `unit` runs its files side by side. `truth` compares what we measure with the operating system's
 * clocks, so its files run one at a time and only after `unit` is through: a busy neighbour on the
 * same core would be a wrong result.
 *
 * `--mode package` runs what looks at the tarball and needs the registry, `--mode otel` what needs
 * agent frameworks and Jaeger, `--mode soak` the long ones; none is part of `npm test`.
 */
const truth = ['test/truth/**/*.test.ts'];
const soak = ['test/soak/**/*.test.ts'];
const packaging = ['test/package/**/*.test.ts'];
/** Real agent frameworks and a real tracing back end. */
const otel = ['test/otel/real/**/*.test.ts'];
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
  // Ten minutes are a long try already.
  if (mode === 'soak') return [alone('soak', soak, 1_200_000, 0)];
  if (mode === 'package') return [alone('package', packaging, 300_000)];
  if (mode === 'otel') return [alone('otel', otel, 300_000)];
  const unit = {
    extends: true as const,
    test: {
      name: 'unit',
      include: ['test/**/*.test.ts'],
      exclude: [...foreign, ...truth, ...soak, ...packaging, ...otel],
      sequence: { groupOrder: 0 },
    },
  };
  return [unit, alone('truth', truth, 180_000)];
}

/** One file at a time, after everything else. */
function alone(name: string, include: string[], testTimeout: number, retry = secondTry) {
  return {
    extends: true as const,
    test: {
      name,
      include,
      retry,
      testTimeout,
      hookTimeout: testTimeout,
      fileParallelism: false,
      sequence: { groupOrder: 1 },
    },
  };
}
