/**
 * The bare sampler: windows, labels and encoding as its README and types say. Context frames from Node 24
 * on; before, `async_hooks` keep its one context up to date, as dd-trace does there.
 */
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { writeFile } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(new URL('../peers/index.js', import.meta.url));
const pprof = require('@datadog/pprof');
const windowMillis = Number(process.env['BENCH_WINDOW_SECONDS']) * 1_000;
const useCPED = Number(process.versions.node.split('.')[0]) >= 24;
let windows = 0;
/** Milliseconds a window; encoding as far as it blocks. */
const timed = [];
export const parts = () => timed;
/** Windows so far. */
export const ended = () => windows;

pprof.time.start({
  durationMillis: windowMillis,
  intervalMicros: Number(process.env['BENCH_INTERVAL_MICROS'] ?? 10_000),
  withContexts: true,
  collectCpuTime: true,
  useCPED,
});
pprof.heap.start(Number(process.env['BENCH_HEAP_BYTES'] ?? 512 * 1024), 64);

export function flush() {
  const begin = performance.now();
  const cpu = pprof.time.stop(true, ({ context }) => ({ ...context?.context?.labels }));
  const stopped = performance.now();
  const heap = pprof.heap.profile();
  const part = {
    'stop and serialise': stopped - begin,
    'heap profile': performance.now() - stopped,
  };
  timed.push(part);
  void store('cpu', cpu);
  void store('heap', heap);
  part['encode'] = performance.now() - begin - part['stop and serialise'] - part['heap profile'];
  windows++;
}
async function store(name, profile) {
  const folder = process.env['BENCH_FOLDER'];
  if (folder === undefined) return;
  writeFile(join(folder, `${name}-${windows}.pb.gz`), await pprof.encode(profile), () => {});
}
if (windowMillis > 0) setInterval(flush, windowMillis).unref();

/** The inner owner's labels and those around it. */
function hooked() {
  const storage = new AsyncLocalStorage();
  const none = {};
  createHook({
    before: () => pprof.time.setContext(storage.getStore() ?? none),
    after: () => pprof.time.setContext(none),
  }).enable();
  return (labels, fn) => {
    const outer = storage.getStore();
    const context = { labels: { ...outer?.labels, ...labels } };
    return storage.run(context, () => {
      pprof.time.setContext(context);
      try {
        return fn();
      } finally {
        pprof.time.setContext(outer ?? none);
      }
    });
  };
}
export const wrap = useCPED
  ? (labels, fn) =>
      pprof.time.runWithContext({ labels: { ...pprof.time.getContext()?.labels, ...labels } }, fn)
  : hooked();
export { pprof };
export const evidence = () => ({ windows });
