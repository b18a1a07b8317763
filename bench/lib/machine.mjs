/** Where the figures come from. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { root, versions } from '../../scripts/nodes.mjs';
import { peerVersions } from './peers.mjs';
import { isPinned } from './process.mjs';

export function machine() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return {
    cpu: `${availableParallelism()} × ${cpus()[0]?.model?.trim()}`,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    load: loadavg()[0],
    isPinned,
    nodes: versions,
    spanprof: `${version}${commit()}`,
    peers: peerVersions(),
  };
}

function commit() {
  try {
    const options = /** @type {const} */ ({
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return ` at ${execFileSync('git', ['rev-parse', '--short=10', 'HEAD'], options).trim()}`;
  } catch {
    return '';
  }
}
