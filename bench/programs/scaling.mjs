/** A fixed amount of work at a depth of the stack, as one of so many owners; what it costs is measured. */
import { repeat, wrap } from '../loads/meter.mjs';

const DEPTH = Number(process.env['BENCH_DEPTH']);
const SCOPES = Number(process.env['BENCH_SCOPES']);

/** Functions of their own, or the stack is one frame many times. */
const steps = Array.from({ length: 50 }, (_, i) =>
  new Function(
    'next',
    `return function step${i}(left) { return left > 0 ? next(${(i + 1) % 50})(left - 1) : work(); }
    function work() { let x = 1; for (let j = 0; j < 60000; j++) x = x * 1.0000001 + ${i}; return x; }`,
  )((at) => steps[at]),
);
await repeat((i) =>
  wrap({ agent_name: `agent-${i % 7}`, session_id: `s-${i % SCOPES}` }, async () =>
    steps[i % 50](DEPTH),
  ),
);
