/** dd-trace with labels of its own kind, as its types describe them. */
import { createRequire } from 'node:module';

const require = createRequire(new URL('../peers/index.js', import.meta.url));
const { profiling } = require('dd-trace');
profiling.setCustomLabelKeys(['agent_name']);

export const wrap = (labels, fn) => profiling.runWithLabels(labels, fn);
