/**
 * What one call costs, in nanoseconds of CPU time, best of several rounds:
 * `call` an owner's async function, `span` a span made active and ended, `outside` and `inside` an await
 * without and in an owner, `switching` an await that goes on as another owner.
 */
const { wrap } = await import(`../variants/${process.env['BENCH_ADAPTER']}.mjs`);
const ROUNDS = 7;
const labels = { agent_name: 'planner', session_id: 's-1' };
const other = { agent_name: 'writer', session_id: 's-2' };

async function answer() {
  return 42;
}
async function awaits(count) {
  for (let i = 0; i < count; i++) await null;
}
async function calls(count) {
  for (let i = 0; i < count; i++) await wrap(labels, answer);
}
async function spans() {
  const { tracer } = await import('../lib/tracer.mjs');
  return async (count) => {
    for (let i = 0; i < count; i++) {
      await tracer.startActiveSpan('chat', async (span) => {
        await null;
        span.end();
      });
    }
  };
}

/** @type {Record<string, () => Promise<{ count: number, run: (count: number) => Promise<unknown>, awaits?: number }>>} */
const cases = {
  call: async () => ({ count: 20_000, run: calls }),
  span: async () => ({ count: 5_000, run: await spans() }),
  outside: async () => ({ count: 200_000, run: awaits }),
  inside: async () => ({ count: 200_000, run: (count) => wrap(labels, () => awaits(count)) }),
  switching: async () => ({
    count: 100_000,
    run: (count) =>
      Promise.all([wrap(labels, () => awaits(count)), wrap(other, () => awaits(count))]),
    awaits: 2,
  }),
};
const chosen = cases[process.env['BENCH_CASE'] ?? ''];
if (chosen === undefined) throw new Error('no such case');
const { count, run, awaits: each = 1 } = await chosen();
let best = Number.POSITIVE_INFINITY;
for (let round = 0; round < ROUNDS; round++) {
  const begin = process.cpuUsage();
  await run(count);
  const { user, system } = process.cpuUsage(begin);
  best = Math.min(best, ((user + system) * 1_000) / count / each);
  // Windows and batches get their turn outside of what is timed.
  await new Promise((resolve) => setTimeout(resolve, 5));
}
process.send?.({ type: 'result', nanos: best });
