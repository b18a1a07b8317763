/**
 * Compiles the addon into `prebuilds/<platform>-<arch>/spanprof.abi<modules>.glibc.node`.
 *
 *     node scripts/build-addon.mjs            for the Node that runs this
 *     node scripts/build-addon.mjs --all      for every Node of nodes.json, as published
 *     node scripts/build-addon.mjs --force    even if nothing changed
 *
 * It calls the compiler itself: one command per Node, the same flags for every ABI, nothing left
 * behind. Users' machines build with `binding.gyp` instead (see install.mjs).
 */
import { execFile, execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { majors, nodeHeaders, root, versions } from './nodes.mjs';
import { contentOf, hashOf, isCurrent, record } from './stamp.mjs';

const run = promisify(execFile);
const nativeFolder = join(root, 'native');
const exportsFile = join(root, 'scripts/addon.map');
const unfinishedFolder = join(root, '.cache/addon');
const outputFolder = join(root, 'prebuilds', `${process.platform}-${process.arch}`);

/**
 * The newest symbol versions that the binary of Node 20 asks for itself: what asks for no more
 * loads wherever Node does.
 * @type {Readonly<Record<string, string>>}
 */
const newestAllowed = { GLIBC: '2.28', GLIBCXX: '3.4.21', CXXABI: '1.3.9', GCC: '3.4' };

const compiler = process.env['CXX'] ?? 'g++';
const flags = [
  ...['-shared', '-fPIC', '-O2', '-g0', '-fvisibility=hidden'],
  // What V8 is built with; a class derived from one of V8's would not link otherwise.
  ...['-fno-rtti', '-fno-exceptions'],
  ...['-Wall', '-Wextra', '-Werror'],
  ...['-DBUILDING_NODE_EXTENSION', '-DUSING_UV_SHARED=1', '-DUSING_V8_SHARED=1'],
  ...['-DNODE_GYP_MODULE_NAME=spanprof', '-D_FILE_OFFSET_BITS=64'],
  // Only Node's entry point is seen from outside: Node exports some of the same templates, and
  // ours must not be swapped for its own.
  `-Wl,--version-script=${exportsFile}`,
  // A symbol that Node lacks is found out when the addon is loaded, not when it is first called.
  ...['-Wl,-z,now', '-Wl,-z,relro'],
  // A worker's end must not unmap code that a signal handler of another thread may stand in.
  '-Wl,-z,nodelete',
  ...['-Wl,--gc-sections', '-Wl,--strip-all'],
];

/**
 * @typedef {object} Target
 * @property {string} version of Node, for people
 * @property {string} headers the folder of node.h
 * @property {number} abi
 * @property {string} standard of C++
 * @property {string} output
 */

/** Builds for the Node that runs this. */
export async function buildForRunningNode(force = false) {
  await buildAll([target(process.version.slice(1), runningHeaders())], force);
}

/** Builds for every Node of nodes.json. */
export async function buildForAll(force = false) {
  await buildAll(
    majors.map((major) => target(versions[major] ?? '', nodeHeaders(major))),
    force,
  );
}

/** @param {readonly Target[]} targets @param {boolean} force */
async function buildAll(targets, force) {
  const queue = [...targets];
  const workers = Array.from({ length: availableParallelism() }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      await build(next, force);
    }
  });
  await Promise.all(workers);
}

/** @param {Target} target @param {boolean} force */
async function build(target, force) {
  const sources = filesOf('.cc');
  const args = [...flags, `-std=${target.standard}`, '-I', nativeFolder];
  const stamp = `addon-abi${target.abi}`;
  const inputs = hashOf([
    ...[compilerVersion(), target.version, ...args],
    ...[...sources, ...filesOf('.h'), exportsFile].flatMap(contentOf),
  ]);
  const name = `${relative(root, target.output)} (Node ${target.version})`;
  if (!force && isCurrent(stamp, inputs, target.output)) {
    console.log(`${name}: up to date`);
    return;
  }
  mkdirSync(outputFolder, { recursive: true });
  mkdirSync(unfinishedFolder, { recursive: true });
  // The finished file appears in one step: a process that has the old one open keeps it whole.
  const unfinished = join(unfinishedFolder, `abi${target.abi}.${process.pid}.node`);
  await run(compiler, [...args, '-isystem', target.headers, ...sources, '-o', unfinished]);
  const needed = symbolVersions(unfinished);
  const tooNew = needed.filter(({ family, version }) => isTooNew(family, version));
  if (tooNew.length > 0) {
    rmSync(unfinished);
    const list = tooNew.map(({ symbol, family, version }) => `${symbol} (${family}_${version})`);
    throw new Error(`${name} asks for more than Node itself does: ${list.join(', ')}`);
  }
  renameSync(unfinished, target.output);
  record(stamp, inputs, target.output);
  const sizeKib = Math.ceil(statSync(target.output).size / 1024);
  console.log(`${name}: ${sizeKib} KiB, needs glibc ${newest(needed, 'GLIBC')}`);
}

/**
 * @param {string} version @param {string} headers @returns {Target}
 */
function target(version, headers) {
  const defines = readFileSync(join(headers, 'node_version.h'), 'utf8');
  const abi = Number(/#define NODE_MODULE_VERSION (\d+)/.exec(defines)?.[1]);
  const major = Number(/#define NODE_MAJOR_VERSION (\d+)/.exec(defines)?.[1]);
  return {
    version,
    headers,
    abi,
    // V8's headers need C++20 from Node 24 on; those before are not written for it.
    standard: major >= 24 ? 'c++20' : 'c++17',
    output: join(outputFolder, `spanprof.abi${abi}.glibc.node`),
  };
}

/** The headers of the Node that runs this: beside its binary, the system's, or nodes.json's. */
function runningHeaders() {
  const candidates = [resolve(dirname(process.execPath), '../include/node'), '/usr/include/node'];
  const wanted = `#define NODE_MODULE_VERSION ${process.versions.modules}\n`;
  for (const headers of candidates) {
    const file = join(headers, 'node_version.h');
    if (existsSync(file) && readFileSync(file, 'utf8').includes(wanted)) return headers;
  }
  return nodeHeaders(Number(process.versions.node.split('.')[0]));
}

/** @param {string} extension @returns {string[]} */
function filesOf(extension) {
  return readdirSync(nativeFolder)
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => join(nativeFolder, name));
}

function compilerVersion() {
  return execFileSync(compiler, ['-dumpfullversion', '-dumpmachine'], { encoding: 'utf8' });
}

/** @typedef {{ family: string, version: string, symbol: string }} Needed */

/**
 * The versioned symbols that a file wants from the system's libraries.
 * @param {string} file @returns {Needed[]}
 */
function symbolVersions(file) {
  const table = execFileSync('objdump', ['-T', file], { encoding: 'utf8' });
  return [...table.matchAll(/\*UND\*.*?\b([A-Z]+)_([\d.]+)\)?\s+(\S+)$/gm)].map(
    ([, family = '', version = '', symbol = '']) => ({ family, version, symbol }),
  );
}

/** @param {string} family @param {string} version @returns {boolean} */
function isTooNew(family, version) {
  const allowed = newestAllowed[family];
  return allowed === undefined || compareVersions(version, allowed) > 0;
}

/** @param {readonly Needed[]} needed @param {string} family @returns {string | undefined} */
function newest(needed, family) {
  const versions = needed.filter((entry) => entry.family === family).map(({ version }) => version);
  return versions.sort(compareVersions).at(-1);
}

/** @param {string} a @param {string} b @returns {number} */
function compareVersions(a, b) {
  return a.localeCompare(b, 'en', { numeric: true });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const force = process.argv.includes('--force');
  try {
    await (process.argv.includes('--all') ? buildForAll(force) : buildForRunningNode(force));
  } catch (error) {
    // The compiler's own words are the useful part.
    console.error(/** @type {{ stderr?: string }} */ (error).stderr || error);
    process.exitCode = 1;
  }
}
