/**
 * What no profiler that bills exact CPU time can be cheaper than: beside V8's samplers it must be told of
 * every callback and every await. Its hook counts, and does nothing else.
 */
import { createHook } from 'node:async_hooks';
import { promiseHooks } from 'node:v8';

export { wrap } from './v8-samplers.mjs';

let seen = 0;
const look = () => {
  seen++;
};
// Promises through V8 where async_hooks can leave them out: several times cheaper than through async_hooks.
const canLeavePromisesOut = Number(process.versions.node.split('.')[0]) >= 24;
if (canLeavePromisesOut) promiseHooks.onBefore(look);
createHook({ before: look, ...(canLeavePromisesOut && { trackPromises: false }) }).enable();

export const evidence = () => ({ seen });
