/**
 * Builds `dist/` and the addon; what is up to date is left alone.
 *
 *     node scripts/build.mjs                 for the Node that runs this
 *     node scripts/build.mjs --all           the addon for every Node of nodes.json
 *     node scripts/build.mjs --best-effort   as `npm ci` does: without a C++ compiler, or without
 *                                            the development dependencies, says so and goes on
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildForAll, buildForRunningNode } from './build-addon.mjs';
import { root } from './nodes.mjs';
import { contentOf, hashOf, isCurrent, record } from './stamp.mjs';

const dist = join(root, 'dist');
const compiler = join(root, 'node_modules/typescript/bin/tsc');
const bestEffort = process.argv.includes('--best-effort');

try {
  if (existsSync(compiler)) buildDist();
  else if (bestEffort) console.log('dist: left out, TypeScript is not installed');
  else throw new Error('TypeScript is not installed; run npm ci first');
  await buildAddon();
} catch (error) {
  const { message, stderr, stdout } =
    /** @type {{ message?: string, stderr?: string, stdout?: string }} */ (error);
  console.error(stderr || stdout || message);
  process.exitCode = 1;
}

/** Compiles beside `dist/` and swaps, so that nobody sees a half-written one. */
function buildDist() {
  const sources = ['src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
  const inputs = hashOf(sources.flatMap((name) => contentOf(join(root, name))));
  if (isCurrent('dist', inputs, dist)) {
    console.log('dist: up to date');
    return;
  }
  const unfinished = join(root, '.cache', `dist.${process.pid}`);
  const previous = `${unfinished}.old`;
  mkdirSync(unfinished, { recursive: true });
  try {
    execFileSync(
      process.execPath,
      [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', unfinished],
      { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
    copyAssets(unfinished);
    if (existsSync(dist)) renameSync(dist, previous);
    renameSync(unfinished, dist);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
    rmSync(previous, { recursive: true, force: true });
  }
  record('dist', inputs, dist);
  console.log('dist: built');
}

/**
 * The style and the scripts of the pages, which run in browsers as they are.
 *
 * @param {string} folder
 */
function copyAssets(folder) {
  const assets = 'pages/assets';
  for (const name of readdirSync(join(root, 'src', assets))) {
    if (!/\.(css|js)$/.test(name)) continue;
    mkdirSync(join(folder, assets), { recursive: true });
    copyFileSync(join(root, 'src', assets, name), join(folder, assets, name));
  }
}

async function buildAddon() {
  try {
    await (process.argv.includes('--all') ? buildForAll() : buildForRunningNode());
  } catch (error) {
    const missing = /** @type {{ code?: string }} */ (error).code === 'ENOENT';
    if (!bestEffort || !missing) throw error;
    console.log('addon: left out, no C++ compiler; spanprof runs with reduced features');
  }
}
