/** What was promised beside what was measured. */
import { table } from './markdown.mjs';

/**
 * @typedef {object} Budget
 * @property {string} what
 * @property {string} most as it is written
 * @property {string} found as it is written
 * @property {boolean} isMet
 * @property {boolean} [isNoise] the difference to the budget is smaller than the noise
 */

/** @param {readonly Budget[]} budgets */
export function budgetTable(budgets) {
  const rows = budgets.map(({ what, most, found, isMet, isNoise }) => [
    what,
    most,
    found,
    isMet ? 'met' : isNoise === true ? 'within noise' : '**missed**',
  ]);
  return table(['', 'budget', 'measured', ''], rows);
}
