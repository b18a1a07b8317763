/**
 * npm's `install` script of the published package. With a prebuilt addon for this machine there is
 * nothing to do; otherwise the addon is compiled with npm's own node-gyp. Never fails the
 * installation: without the addon spanprof still runs, and says at start what is lost.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** The same places in the same order as in src/native.ts. */
const { platform, arch, versions } = process;
const candidates = [
  join(root, `prebuilds/${platform}-${arch}/spanprof.abi${versions.modules}.glibc.node`),
  join(root, 'build/Release/spanprof.node'),
];

// In a checkout `prepare` comes next and builds the addon with the strict flags.
const isCheckout = existsSync(join(root, 'scripts/build.mjs'));

if (!isCheckout && !candidates.some(loads) && !compiles()) {
  console.log(
    `spanprof: no native addon for ${platform}-${arch} ABI ${versions.modules} and none could be compiled; it runs with reduced features`,
  );
}

/**
 * True if this Node can load the file: the only check that also covers the C library's version.
 * @param {string} file @returns {boolean}
 */
function loads(file) {
  try {
    process.dlopen({ exports: {} }, file);
    return true;
  } catch {
    return false;
  }
}

/** Runs node-gyp, its output kept to itself, and says whether the result can be used. */
function compiles() {
  const bundled = process.env['npm_config_node_gyp'];
  const args = ['rebuild', ...headers()];
  const result = bundled
    ? spawnSync(process.execPath, [bundled, ...args], { cwd: root, stdio: 'ignore' })
    : spawnSync('npx', ['--no-install', 'node-gyp', ...args], { cwd: root, stdio: 'ignore' });
  return result.status === 0 && candidates.some(loads);
}

/** Node's releases bring their headers along; using them spares node-gyp a download. */
function headers() {
  const prefix = resolve(dirname(process.execPath), '..');
  const file = join(prefix, 'include/node/node_version.h');
  if (process.env['npm_config_nodedir'] || !existsSync(file)) return [];
  const matches = readFileSync(file, 'utf8').includes(
    `#define NODE_MODULE_VERSION ${versions.modules}\n`,
  );
  return matches ? [`--nodedir=${prefix}`] : [];
}
