/**
 * Compiles `src/` and bundles it into `dist/`: one file for what every start needs, instead of the
 * hundred and thirty that Node would find, read and link one by one (half of our start-up). What is
 * imported on demand stays in files of its own; dependencies stay outside.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './nodes.mjs';

/** What users, Node or our own processes name by path. */
export const ENTRIES = [
  'index',
  'register',
  'agent',
  'handler',
  'otel/index',
  'cli/main',
  'export/last-act',
];

/**
 * Builds beside `dist` and swaps, so that nobody sees a half-written one.
 *
 * @param {{ dist: string, modules: string }} folders `modules`: the compiled sources, one by one
 */
export async function buildDist({ dist, modules }) {
  const unfinished = join(root, '.cache', `dist.${process.pid}`);
  try {
    mkdirSync(unfinished, { recursive: true });
    compile(join(unfinished, 'modules'));
    await bundle(join(unfinished, 'modules'), join(unfinished, 'dist'));
    swap(join(unfinished, 'modules'), modules, unfinished);
    swap(join(unfinished, 'dist'), dist, unfinished);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** @param {string} modules */
function compile(modules) {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const config = join(root, 'tsconfig.build.json');
  execFileSync(process.execPath, [compiler, '-p', config, '--outDir', modules], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** @param {string} modules @param {string} dist */
async function bundle(modules, dist) {
  const { rolldown } = await import('rolldown');
  const bundled = await rolldown({
    input: Object.fromEntries(ENTRIES.map((name) => [name, join(modules, `${name}.js`)])),
    platform: 'node',
    // Packages and Node's own: everything that is not a path.
    external: (id) => !/^[./]/.test(id),
  });
  await bundled.write({
    dir: dist,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
  });
  await bundled.close();
  cpSync(modules, dist, {
    recursive: true,
    filter: (file) => !/\.[cm]?js$/.test(file) || file.endsWith('register.cjs'),
  });
  // The style and the scripts of the pages run in browsers as they are.
  const assets = 'pages/assets';
  mkdirSync(join(dist, assets), { recursive: true });
  for (const name of readdirSync(join(root, 'src', assets))) {
    if (/\.(css|js)$/.test(name)) cpSync(join(root, 'src', assets, name), join(dist, assets, name));
  }
}

/** @param {string} made @param {string} place @param {string} aside */
function swap(made, place, aside) {
  const previous = join(aside, 'previous');
  rmSync(previous, { recursive: true, force: true });
  try {
    renameSync(place, previous);
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code !== 'ENOENT') throw error;
  }
  renameSync(made, place);
}
