/** What spanprof costs and how right it is, beside its peers. `--help` says how. */
import { parseArgs } from 'node:util';
import { checkBaseline, writeBaseline } from './lib/baseline.mjs';
import { OutOfTime } from './lib/lanes.mjs';
import { machine } from './lib/machine.mjs';
import { writePage } from './lib/page.mjs';
import { installPeers } from './lib/peers.mjs';
import { killAll } from './lib/process.mjs';
import { progressOf } from './lib/progress.mjs';
import { openStore } from './lib/store.mjs';
import { questions } from './questions/questions.mjs';

const HELP = `npm run bench                            everything, some 55 minutes on two cores; writes docs/benchmarks.md
npm run bench -- --quick                 the short form, under 10; fails on a regression against bench/baseline.json
npm run bench -- --only overhead,calls   some questions; the page keeps what is stored of the others
npm run bench -- --nodes 24              on some Nodes
npm run bench -- --minutes 60            more time for every question, or less, in proportion
npm run bench -- --resume                goes on after an interruption: questions that are done stay
npm run bench -- --report                only writes the page again, from what is stored in .cache/bench
npm run bench -- --quick --baseline      stores the ratios of the short form as the new baseline

questions: ${questions.map(({ name }) => name).join(', ')}`;

/**
 * @typedef {object} Context what a question gets
 * @property {'full' | 'quick'} form
 * @property {any} data to be filled; stored by `save`
 * @property {() => void} save
 * @property {(text: string) => void} say
 * @property {number} endMillis when it must be over, on `performance.now()`
 * @property {readonly number[] | undefined} majors Nodes to be asked, the usual ones of the question unless told
 */

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    nodes: { type: 'string' },
    report: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    resume: { type: 'boolean', default: false },
    baseline: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit();
}
const form = options.quick ? 'quick' : 'full';
const store = openStore(form);
const only = options.only?.split(',');
const unknown = only?.filter((name) => !questions.some((question) => question.name === name)) ?? [];
if (unknown.length > 0) {
  console.error(
    `no question ${unknown.join(', ')}; there are ${questions.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}
const usualSeconds = questions.reduce((sum, { seconds }) => sum + seconds[form], 0);
const share = options.minutes === undefined ? 1 : (Number(options.minutes) * 60) / usualSeconds;
const majors = options.nodes?.split(',').map(Number);

installPeers();
const asked = questions.filter(({ name, seconds }) => {
  if (seconds[form] === 0 || (only !== undefined && !only.includes(name))) return false;
  return !options.resume || store.load(name)?.complete !== true;
});
if (!options.report) await measure(asked);
console.log(`\nwritten: ${writePage(form, store)}`);
if (options.baseline) writeBaseline(store);
else if (options.quick) await compare();

/** What got worse is measured once more before it counts. */
async function compare() {
  const worse = checkBaseline(store);
  if (worse.length === 0) return;
  const again = asked.filter(({ name }) => worse.some((gate) => gate.startsWith(`${name}/`)));
  console.log('\nonce more, what got worse\n');
  if (!options.report) await measure(again);
  writePage(form, store);
  if (checkBaseline(store).length > 0) process.exitCode = 1;
}

/** @param {readonly import('./questions/questions.mjs').Question[]} chosen */
async function measure(chosen) {
  const plan = chosen.map(({ name, seconds }) => ({ name, seconds: seconds[form] * share }));
  const progress = progressOf(plan);
  /** @type {(() => void) | undefined} */
  let savePartial;
  for (const [signal, code] of /** @type {const} */ ([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])) {
    process.once(signal, () => {
      killAll();
      savePartial?.();
      writePage(form, store);
      console.error(`\n${signal}: what is finished is stored; --resume goes on`);
      process.exit(code);
    });
  }
  process.on('exit', killAll);
  for (const question of chosen) {
    progress.next();
    /** @type {import('./lib/store.mjs').Stored} */
    const result = {
      question: question.name,
      complete: false,
      startedAt: new Date().toISOString(),
      machine: machine(),
      data: {},
    };
    savePartial = () => store.save(result);
    const endMillis = performance.now() + question.seconds[form] * share * 1_000;
    try {
      await question.run({
        form,
        data: result.data,
        save: savePartial,
        say: progress.say,
        endMillis,
        majors: majors ?? question.nodes?.[form],
      });
      result.complete = true;
    } catch (error) {
      result.failure = error instanceof Error ? error.message : String(error);
      const isLate = error instanceof OutOfTime;
      progress.say(
        isLate ? error.message : `failed: ${error instanceof Error ? error.stack : error}`,
      );
      if (!isLate) process.exitCode = 1;
    }
    savePartial();
    writePage(form, store);
  }
}
