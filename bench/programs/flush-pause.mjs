/**
 * The TypeScript compiler runs as five owners in turn; around the end of each window it rests, and the
 * longest time that the event loop did not come round is the window's pause.
 */
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const { wrap, parts, windowEnded } = await import(
  `../variants/${process.env['BENCH_ADAPTER']}.mjs`
);
/** Under a preload windows began a moment before. */
const originMillis = process.env['BENCH_FROM_START'] === 'on' ? 0 : performance.now();
const ts = createRequire(import.meta.url)('typescript');

const WINDOW_MILLIS = Number(process.env['BENCH_WINDOW_SECONDS']) * 1_000;
const WINDOWS = Number(process.env['BENCH_COUNT']);
/** Rest before and after the expected end. A window of a preload ends up to some 100 ms late. */
const BEFORE_MILLIS = 250;
const AFTER_MILLIS = 550;
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
 * Longest and summed time during which nothing else could run; the same in CPU time of the process, which a
 * busy machine does not stretch.
 */
function rest(untilMillis) {
  return new Promise((resolve) => {
    let last = performance.now();
    let lastCpu = cpuMillis();
    let longest = 0;
    let longestCpu = 0;
    let sum = 0;
    const look = () => {
      const now = performance.now();
      const gap = now - last;
      longest = Math.max(longest, gap);
      const cpu = cpuMillis();
      const cpuGap = cpu - lastCpu;
      longestCpu = Math.max(longestCpu, cpuGap);
      if (cpuGap > GAP_MILLIS) sum += cpuGap;
      last = now;
      lastCpu = cpu;
      if (now > untilMillis)
        resolve({ longestMillis: longest, longestCpuMillis: longestCpu, sumCpuMillis: sum });
      else setImmediate(look);
    };
    look();
  });
}

function cpuMillis() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

const pauses = [];
let lastJobMillis = 300;
for (let window = 1, i = 0; window <= WINDOWS; window++) {
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
  pauses.push(await rest(endMillis + AFTER_MILLIS));
  windowEnded?.();
}
process.send?.({ type: 'result', pauses, parts: parts?.() ?? [] });
