/** Under the preload, each owner with a bill of its own. */
import { measure } from '../../dist/index.js';

export { evidence } from './spanprof.mjs';
export const wrap = async (labels, fn) => (await measure(labels, fn)).result;
