import { fileURLToPath } from 'node:url';
import { childProcess } from '../builtins.ts';
import { programFile } from '../package-files.ts';
import type { Milliseconds } from '../units.ts';

const PROGRAM = fileURLToPath(programFile('export/last-act'));

/**
 * Runs `last-act` and waits for its end. It inherits what a request needs (proxies, certificates) and
 * nothing that would preload something into it. Never throws.
 */
export function runLastAct(input: object, timeoutMillis: Milliseconds): void {
  const env = { ...process.env };
  delete env['NODE_OPTIONS'];
  try {
    childProcess().spawnSync(process.execPath, [PROGRAM], {
      input: JSON.stringify(input),
      env,
      timeout: timeoutMillis,
      killSignal: 'SIGKILL',
      stdio: ['pipe', 'ignore', 'ignore'],
      windowsHide: true,
    });
  } catch {
    // Processes may be forbidden here; the next start sends it.
  }
}
