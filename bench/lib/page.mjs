/** The page of all questions, from what is stored. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from '../../scripts/nodes.mjs';
import { questions } from '../questions/questions.mjs';
import { budgetTable } from './budgets.mjs';

/**
 * The full form writes docs/benchmarks.md, the short one a page of the same kind in the cache.
 * @param {'full' | 'quick'} form @param {ReturnType<typeof import('./store.mjs').openStore>} store
 * @returns {string} the page's path
 */
export function writePage(form, store) {
  const folder = form === 'full' ? join(root, 'docs') : store.folder;
  mkdirSync(join(folder, 'images'), { recursive: true });
  const image = (/** @type {string} */ name, /** @type {string} */ svg) => {
    writeFileSync(join(folder, 'images', `bench-${name}`), svg);
    return `images/bench-${name}`;
  };
  const stored = questions.map((question) => ({ question, result: store.load(question.name) }));
  const sections = stored.flatMap(({ question, result }) =>
    result === undefined ? [] : [sectionOf(question, result, image)],
  );
  const budgets = stored.flatMap(({ question, result }) => budgetsOf(question, result));
  if (budgets.length > 0)
    sections.unshift(`## Budgets\n\nOn Node 24 unless said.\n\n${budgetTable(budgets)}`);
  const file = join(folder, 'benchmarks.md');
  writeFileSync(file, `${[head(form, stored), ...sections].join('\n\n')}\n`);
  return relative(root, file);
}

/** Of what there is. */
function budgetsOf(question, result) {
  try {
    return result === undefined ? [] : (question.budgets?.(result.data) ?? []);
  } catch {
    return [];
  }
}

/** What is there is shown, also of a question that ended early. */
function sectionOf(question, result, image) {
  const early = result.failure === undefined ? 'interrupted' : result.failure;
  const note = result.complete ? [] : [`Fewer runs than planned: ${early}.`];
  let body;
  try {
    body = question.render(result.data, image);
  } catch (error) {
    body = `Not enough was measured: ${error instanceof Error ? error.message : error}`;
  }
  return [`## ${question.title}`, ...note, body].join('\n\n');
}

/** @param {'full' | 'quick'} form @param {any[]} stored */
function head(form, stored) {
  const results = stored.flatMap(({ result }) => result ?? []);
  const newest =
    results
      .map(({ startedAt }) => startedAt)
      .sort()
      .at(-1) ?? '';
  const { machine } = results.find(({ startedAt }) => startedAt === newest) ?? {};
  const lines = [
    '# Benchmarks',
    '<!-- Written by bench/run.mjs; do not edit. -->',
    `What spanprof costs and how right it is, beside its peers in the same run. \`npm run bench${form === 'quick' ? ' -- --quick' : ''}\` measures all
of it again and writes this page; \`--only overhead,calls\` does a part, \`--report\` writes the page from what is stored.`,
  ];
  if (machine === undefined) return [...lines, 'Nothing is measured yet.'].join('\n\n');
  const nodes = Object.values(machine.nodes).join(', ');
  const peers = Object.entries(machine.peers).map(([name, version]) => `\`${name}\` ${version}`);
  lines.push(
    `Measured on ${newest.slice(0, 10)}: ${machine.cpu}, ${machine.memoryGib} GiB, ${machine.system}; Node ${nodes}; spanprof
${machine.spanprof}; ${peers.join(', ')}. ${machine.isPinned ? 'Every measured process is pinned to one core, what drives it to the other.' : 'Processes were not pinned: no `taskset` here.'}
Every variant of every question runs in a process of its own; variants take turns. A peer that failed is shown with the reason.`,
  );
  return lines.join('\n\n');
}
