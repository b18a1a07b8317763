/**
 * Builds `dist/` and the addon; what is up to date is left alone.
 *
 *     node scripts/build.mjs                 for the Node that runs this
 *     node scripts/build.mjs --all           the addon for every Node of nodes.json
 *     node scripts/build.mjs --best-effort   as `npm ci` does: without a C++ compiler, or without
 *                                            the development dependencies, says so and goes on
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildForAll, buildForRunningNode } from './build-addon.mjs';
import { buildDist } from './build-dist.mjs';
import { root } from './nodes.mjs';
import { contentOf, hashOf, isCurrent, record } from './stamp.mjs';

const dist = join(root, 'dist');
/** The compiled sources one by one, for our own scripts and benches. */
const modules = join(root, '.cache/modules');
const compiler = join(root, 'node_modules/typescript/bin/tsc');
const bestEffort = process.argv.includes('--best-effort');

try {
  if (existsSync(compiler)) await makeDist();
  else if (bestEffort) console.log('dist: left out, TypeScript is not installed');
  else throw new Error('TypeScript is not installed; run npm ci first');
  await buildAddon();
} catch (error) {
  const { message, stderr, stdout } =
    /** @type {{ message?: string, stderr?: string, stdout?: string }} */ (error);
  console.error(stderr || stdout || message);
  process.exitCode = 1;
}

async function makeDist() {
  const sources = [
    'src',
    'scripts/build-dist.mjs',
    'tsconfig.json',
    'tsconfig.build.json',
    'package-lock.json',
  ];
  const inputs = hashOf(sources.flatMap((name) => contentOf(join(root, name))));
  if (isCurrent('dist', inputs, dist) && existsSync(modules)) {
    console.log('dist: up to date');
    return;
  }
  await buildDist({ dist, modules });
  record('dist', inputs, dist);
  console.log('dist: built');
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
