/**
 * The TypeScript compiler runs as five owners in turn; around the end of each window it rests, and the
 * longest time that the event loop did not come round is the window's pause.
 */
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
// Only its clock: nothing is started by this.
import { addon } from '../../.cache/modules/native.js';

const { wrap, parts, ended, windowEnded } = await import(
  `../variants/${process.env['BENCH_ADAPTER']}.mjs`
);
/** Under a preload windows began a moment before. */
const originMillis = process.env['BENCH_FROM_START'] === 'on' ? 0 : performance.now();
const ts = createRequire(import.meta.url)('typescript');

const WINDOW_MILLIS = Number(process.env['BENCH_WINDOW_SECONDS']) * 1_000;
const WINDOWS = Number(process.env['BENCH_COUNT']);
/** Where other work holds us up, a window may end before the rest begins. */
const MOST_WINDOWS = 2 * WINDOWS + 1;
/** Rest before the expected end, after the one that was seen, and at most beyond the expected one. */
const BEFORE_MILLIS = 500;
const AFTER_MILLIS = 150;
const LATEST_MILLIS = 1_500;
/** Shorter gaps are the loop itself. */
const GAP_MILLIS = 0.5;

const names = ['lib.es5.d.ts', 'lib.dom.d.ts'].map((name) =>
  createRequire(import.meta.url).resolve(`typescript/lib/${name}`),
);
const texts = names.map((name) => ts.sys.readFile(name) ?? '');
const options = { noEmit: true, types: [], noLib: true };
function job() {
  const program = ts.createProgram([names[0]], options, ts.createCompilerHost(options));
  const problems = program.getSemanticDiagnostics().length;
  return (
    problems +
    ts.createSourceFile('dom.ts', texts[1], ts.ScriptTarget.Latest, true).statements.length
  );
}

/**
 * Longest and summed time during which nothing else could run, until a moment after the window has ended; the
 * same in CPU time of the thread, which a busy machine does not stretch.
 */
function rest(latestMillis) {
  return new Promise((resolve) => {
    const before = ended();
    let untilMillis = latestMillis;
    let last = performance.now();
    let lastCpu = cpuMillis();
    let longest = 0;
    let longestCpu = 0;
    let sum = 0;
    const look = () => {
      const now = performance.now();
      const cpu = cpuMillis();
      longest = Math.max(longest, now - last);
      longestCpu = Math.max(longestCpu, cpu - lastCpu);
      if (cpu - lastCpu > GAP_MILLIS) sum += cpu - lastCpu;
      last = now;
      lastCpu = cpu;
      if (untilMillis === latestMillis && ended() > before) untilMillis = now + AFTER_MILLIS;
      if (now < untilMillis) setImmediate(look);
      // A window that ended before the rest is not measured.
      else if (ended() === before) resolve(undefined);
      else resolve({ longestMillis: longest, longestCpuMillis: longestCpu, sumCpuMillis: sum });
    };
    look();
  });
}

/** The kernel's other clocks of CPU time go in steps of its timer, some 4 ms. */
function cpuMillis() {
  return (addon?.threadCpuNanos() ?? 0) / 1e6;
}

const pauses = [];
let lastJobMillis = 300;
for (let window = 1, i = 0; pauses.length < WINDOWS && window <= MOST_WINDOWS; window++) {
  const endMillis = originMillis + window * WINDOW_MILLIS;
  while (performance.now() + lastJobMillis * 1.3 < endMillis - BEFORE_MILLIS) {
    const begin = performance.now();
    await wrap({ agent_name: `agent-${i % 5}`, session_id: `s${i++ % 20}` }, async () => job());
    await new Promise(setImmediate);
    lastJobMillis = Math.max(performance.now() - begin, lastJobMillis * 0.8);
  }
  const waitMillis = endMillis - BEFORE_MILLIS - performance.now();
  // Waiting would be taken for idle time by samplers that know it: computing goes on in small pieces.
  for (const until = performance.now() + waitMillis; performance.now() < until; ) {
    ts.createSourceFile('es5.ts', texts[0].slice(0, 20_000), ts.ScriptTarget.Latest, true);
    await new Promise(setImmediate);
  }
  globalThis.gc?.();
  await sleep(1);
  const pause = await rest(endMillis + LATEST_MILLIS);
  if (pause !== undefined) pauses.push(pause);
  windowEnded?.();
}
if (pauses.length === 0) throw new Error('no window ended where it was expected');
process.send?.({ type: 'result', pauses, parts: parts?.() ?? [] });
