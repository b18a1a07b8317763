/**
 * What `--require spanprof/register` loads: the way to `register.js` where an ES module can be
 * required. Node 22 runs preloads also in its thread for `module.register()`, where it cannot, and
 * `--no-experimental-require-module` forbids it.
 */
{
  const { isInternalThread } = require('node:worker_threads') as { isInternalThread?: boolean };
  if (isInternalThread !== true) {
    try {
      require('./register.js');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      process.stderr.write(
        `spanprof: cannot be loaded (${reason.split('\n', 1)[0]}); profiling is off\n`,
      );
    }
  }
}
