/** dd-trace under its own preload; owners are spans. */
import { createRequire } from 'node:module';

const require = createRequire(new URL('../peers/index.js', import.meta.url));
const tracer = require('dd-trace');

export const wrap = (labels, fn) =>
  tracer.trace(labels.agent_name ?? labels.tool_name ?? 'work', { tags: labels }, () => fn());
