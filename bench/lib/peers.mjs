/**
 * The peers, in a folder with a manifest and a lock of its own: nobody who installs or builds
 * spanprof needs them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from '../../scripts/nodes.mjs';

export const peersFolder = join(root, 'bench/peers');
const require = createRequire(join(peersFolder, 'index.js'));

/** Where a module of a peer lies. @param {string} specifier */
export const peerPath = (specifier) => require.resolve(specifier);

/** @param {string} name @returns {{ version: string, engines?: { node?: string } }} */
export function peerManifest(name) {
  return JSON.parse(readFileSync(join(peersFolder, 'node_modules', name, 'package.json'), 'utf8'));
}

/** @returns {Record<string, string>} */
export function peerVersions() {
  const names = Object.keys(
    JSON.parse(readFileSync(join(peersFolder, 'package.json'), 'utf8')).dependencies,
  );
  return Object.fromEntries(names.map((name) => [name, peerManifest(name).version]));
}

/** Installs what the lock says, unless that is there. Throws what npm says. */
export function installPeers() {
  const lock = readFileSync(join(peersFolder, 'package-lock.json'), 'utf8');
  const stamp = join(peersFolder, 'node_modules/.spanprof-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  const flags = [
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--loglevel=error',
    '--engine-strict=false',
  ];
  execFileSync('npm', ['ci', ...flags], {
    cwd: peersFolder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  writeFileSync(stamp, lock);
}
