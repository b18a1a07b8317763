/** Results as JSON, a file a question, written as they come: an interrupted run loses nothing. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/nodes.mjs';

/**
 * @typedef {object} Stored
 * @property {string} question
 * @property {boolean} complete
 * @property {string} startedAt
 * @property {string} [failure] why it ended early
 * @property {Record<string, unknown>} machine
 * @property {any} data
 */

/** @param {'full' | 'quick'} form */
export function openStore(form) {
  const folder = join(root, '.cache/bench', form);
  const fileOf = (/** @type {string} */ question) => join(folder, `${question}.json`);
  return {
    folder,
    /** @param {Stored} result */
    save(result) {
      mkdirSync(folder, { recursive: true });
      const unfinished = `${fileOf(result.question)}.${process.pid}`;
      writeFileSync(unfinished, JSON.stringify(result));
      renameSync(unfinished, fileOf(result.question));
    },
    /** @param {string} question @returns {Stored | undefined} */
    load(question) {
      const file = fileOf(question);
      return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
    },
  };
}
