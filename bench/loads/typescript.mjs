/** (e) One deep, CPU-bound program: the TypeScript compiler checks its own library of the web. */
import { createRequire } from 'node:module';
import { repeat, wrap } from './meter.mjs';

const require = createRequire(import.meta.url);
const ts = require('typescript');
const file = require.resolve('typescript/lib/lib.dom.d.ts');

export async function check() {
  const options = { noEmit: true, types: [], skipLibCheck: false };
  const program = ts.createProgram([file], options, ts.createCompilerHost(options));
  return program.getSemanticDiagnostics().length;
}
await repeat((i) => wrap({ agent_name: 'compiler', session_id: `s${i}` }, check));
