/**
 * Remembers what a file or folder was built from, so that building again can be skipped. By
 * content, not by time: a checkout or a copy changes the times of files, not what is in them.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './nodes.mjs';

/** @param {readonly (string | Buffer)[]} parts @returns {string} */
export function hashOf(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}

/**
 * Path and content of every file, folders walked, in a fixed order.
 * @param {string} path @returns {(string | Buffer)[]}
 */
export function contentOf(path) {
  if (!existsSync(path)) return [path];
  if (!statSync(path).isDirectory()) return [path, readFileSync(path)];
  return readdirSync(path)
    .sort()
    .flatMap((name) => contentOf(join(path, name)));
}

/**
 * True if `output` is still what was recorded as built from `inputs`.
 * @param {string} name @param {string} inputs @param {string} output @returns {boolean}
 */
export function isCurrent(name, inputs, output) {
  const file = stampFile(name);
  if (!existsSync(file) || !existsSync(output)) return false;
  const stamp = JSON.parse(readFileSync(file, 'utf8'));
  return stamp.inputs === inputs && stamp.output === hashOf(contentOf(output));
}

/** @param {string} name @param {string} inputs @param {string} output */
export function record(name, inputs, output) {
  const file = stampFile(name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ inputs, output: hashOf(contentOf(output)) }));
}

/** @param {string} name @returns {string} */
function stampFile(name) {
  return join(root, '.cache/built', `${name}.json`);
}
