/**
 * What one `await` costs more while a bill is open: plain, in an AsyncLocalStorage, in an open invocation
 * (nothing to switch), and with two invocations in turn (every await switches). CPU time, best of several
 * rounds, each variant in a process of its own.
 *
 *     node bench/bills-cost.mjs [majors]      all four unless named; needs `npm run build -- --all` before
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { majors, nodeBinary, root } from '../scripts/nodes.mjs';

const AWAITS = 200_000;
const ROUNDS = 7;
const VARIANTS = ['plain', 'als', 'idle', 'one', 'two', 'two-bytes'];
const variant = process.env['BILLS_COST_VARIANT'];

if (variant === undefined) {
  const named = process.argv.slice(2).map(Number);
  console.log(`ns per await: ${VARIANTS.join(', ')}`);
  for (const major of named.length > 0 ? named : majors) {
    const cells = VARIANTS.map((one) => {
      const run = spawnSync(nodeBinary(major), [fileURLToPath(import.meta.url)], {
        env: { ...process.env, BILLS_COST_VARIANT: one },
        encoding: 'utf8',
      });
      return run.status === 0 ? run.stdout.trim() : run.stderr.trim().split('\n')[0];
    });
    console.log(`Node ${major}: ${cells.join(', ')}`);
  }
} else {
  console.log(await measureVariant(variant));
}

/** @param {string} name */
async function measureVariant(name) {
  const { AsyncLocalStorage } = await import('node:async_hooks');
  const { invocation, start, stop } = await import(`${root}/dist/index.js`);
  const { addon } = await import(`${root}/.cache/modules/native.js`);
  const loop = async () => {
    for (let i = 0; i < AWAITS; i++) await null;
  };
  const attribution = {
    budgetPercent: 100,
    maxSwitchesPerSecond: 1e9,
    bytes: name === 'two-bytes' ? 'exact' : 'sampled',
  };
  if (name !== 'plain' && name !== 'als') {
    await start({ exporters: [], cpu: { enabled: false }, heap: { enabled: false }, attribution });
  }
  const one = name === 'idle' ? undefined : invocation({});
  const other = name.startsWith('two') ? invocation({}) : undefined;
  const storage = new AsyncLocalStorage();
  const work = () => {
    if (name === 'plain' || name === 'idle') return loop();
    if (name === 'als') return storage.run(1, loop);
    if (other === undefined) return one.run(loop);
    return Promise.all([one.run(loop), other.run(loop)]);
  };
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const begin = addon.threadCpuNanos();
    await work();
    const nanos = (addon.threadCpuNanos() - begin) / AWAITS / (other === undefined ? 1 : 2);
    best = Math.min(best, nanos);
  }
  one?.end();
  other?.end();
  await stop();
  return best.toFixed(0);
}
