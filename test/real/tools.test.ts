import { describeUnchanged, program } from '../helpers/unchanged.ts';

describeUnchanged('the TypeScript compiler over this project', {
  run: program('node_modules/typescript/bin/tsc', [
    ...['-p', 'tsconfig.build.json', '--noEmit', '--listFiles'],
  ]),
  code: 0,
  stdout: /src\/errors\.ts$/m,
  hot: /^check\w+/,
});

describeUnchanged('the TypeScript compiler with a lot to complain about', {
  run: program('node_modules/typescript/bin/tsc', [
    ...['-p', 'tsconfig.build.json', '--noEmit', '--lib', 'es5'],
  ]),
  code: 2,
  stdout: /error TS2550: Property 'replaceAll' does not exist/,
  hot: /^check\w+/,
});

describeUnchanged('rollup bundling itself', {
  run: program('node_modules/rollup/dist/bin/rollup', [
    ...['-c', 'test/programs/real/rollup.config.mjs', '--silent'],
  ]),
  code: 0,
  stdout: /^export \{ .*\brollup\b.* \};/m,
  hot: /./,
});

describeUnchanged('ESLint over a bundle', {
  run: program('node_modules/eslint/bin/eslint.js', [
    ...['-c', 'test/programs/real/eslint.config.mjs'],
    'node_modules/rollup/dist/es/shared/node-entry.js',
  ]),
  code: 1,
  stdout: /✖ \d+ problems/,
  hot: /./,
});
