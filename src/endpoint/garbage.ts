import { createRequire } from 'node:module';
import { Refusal } from './exchange.ts';

const require = createRequire(import.meta.url);

/**
 * A full garbage collection, as `gc=1` asks for. Through an inspector session of this process: the
 * other way, a V8 flag, would put a `gc` function into every context created from then on. The
 * inspector is loaded with the first such request.
 */
export function collectGarbage(): void {
  try {
    const { Session } = require('node:inspector') as typeof import('node:inspector');
    const session = new Session();
    session.connect();
    try {
      session.post('HeapProfiler.collectGarbage');
    } finally {
      session.disconnect();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Refusal(503, `gc=1 is not possible here: ${reason}`);
  }
}
