/**
 * The preload: `node --require spanprof/register app.js`, or `--import`, or in NODE_OPTIONS.
 * Reads the configuration and starts the agent before the application's first line. Prints nothing
 * when all is well; with a bad configuration it prints what is wrong and the application runs
 * unprofiled.
 */
import { createRequire } from 'node:module';
import * as workerThreads from 'node:worker_threads';

// Node runs preloads also in a thread of its own for `module.register()`; that is not the application.
const { isInternalThread } = workerThreads as { isInternalThread?: boolean };

// Loaded only if wanted: switched off, this file is all that is ever read (1 ms instead of 25).
const isSwitchedOff = /^(false|0|off|no)$/i.test(process.env['SPANPROF_ENABLED'] ?? '');
if (!isSwitchedOff && isInternalThread !== true) {
  try {
    const require = createRequire(import.meta.url);
    const { agent } = require('./agent.js') as typeof import('./agent.ts');
    agent.startSafely();
  } catch (error) {
    // A broken installation must not keep the application from starting.
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`spanprof: cannot be loaded (${reason}); profiling is off\n`);
  }
}
