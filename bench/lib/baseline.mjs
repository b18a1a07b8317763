/** The short form's ratios against those stored: a change beyond noise and margin is a regression. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/nodes.mjs';
import { gates } from '../questions/questions.mjs';

const file = join(root, 'bench/baseline.json');

/**
 * @typedef {object} Gate one figure that must not grow
 * @property {string} name
 * @property {number} value
 * @property {number} allowance what it may lie above the stored one: noise of both and a margin
 */

/** @param {ReturnType<typeof import('./store.mjs').openStore>} store */
export function writeBaseline(store) {
  const values = Object.fromEntries(
    gates(store).map(({ name, value }) => [name, Number(value.toPrecision(4))]),
  );
  writeFileSync(file, `${JSON.stringify(values, null, 2)}\n`);
  console.log(`stored ${Object.keys(values).length} figures in bench/baseline.json`);
}

/** The names of what got worse. @param {ReturnType<typeof import('./store.mjs').openStore>} store */
export function checkBaseline(store) {
  if (!existsSync(file)) {
    console.log('no bench/baseline.json to compare with');
    return [];
  }
  const baseline = JSON.parse(readFileSync(file, 'utf8'));
  const { lines, worse } = compareWithBaseline(gates(store), baseline);
  console.log(lines.join('\n'));
  return worse;
}

/**
 * @param {readonly Gate[]} found @param {Readonly<Record<string, number>>} baseline
 * @returns {{ lines: string[], worse: string[] }}
 */
export function compareWithBaseline(found, baseline) {
  /** @type {string[]} */
  const worse = [];
  const lines = found.map(({ name, value, allowance }) => {
    const before = baseline[name];
    const text = `${name}: ${value.toPrecision(4)}`;
    if (before === undefined) return `new  ${text}`;
    const isWorse = !(value <= before + allowance);
    if (isWorse) worse.push(name);
    return `${isWorse ? 'WORSE' : 'good'} ${text}, stored ${before}, allowed up to ${(before + allowance).toPrecision(4)}`;
  });
  return { lines, worse };
}
