/** Builds bench/native/floor.cc for a Node; once for each state of the source. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { nodeHeaders, root, versions } from '../../scripts/nodes.mjs';

/** @param {number} major @returns {string} the path of the addon */
export function buildFloor(major) {
  const source = join(root, 'bench/native/floor.cc');
  const hash = createHash('sha256')
    .update(readFileSync(source))
    .update(versions[major] ?? '')
    .digest('hex');
  const output = join(root, '.cache/bench', `floor-${major}-${hash.slice(0, 12)}.node`);
  if (existsSync(output)) return output;
  mkdirSync(join(root, '.cache/bench'), { recursive: true });
  const standard = major >= 24 ? 'c++20' : 'c++17';
  const flags = [
    '-shared',
    '-fPIC',
    '-O2',
    '-fno-rtti',
    `-std=${standard}`,
    '-DNODE_GYP_MODULE_NAME=floor',
  ];
  const unfinished = `${output}.${process.pid}`;
  execFileSync(
    process.env['CXX'] ?? 'g++',
    [...flags, '-isystem', nodeHeaders(major), source, '-o', unfinished],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  renameSync(unfinished, output);
  return output;
}
