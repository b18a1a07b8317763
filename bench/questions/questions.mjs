/** The questions, in the order of the page and of the run. */
import * as bills from './bills.mjs';
import * as calls from './calls.mjs';
import * as flushPause from './flush-pause.mjs';
import * as labels from './labels.mjs';
import * as memory from './memory.mjs';
import * as overhead from './overhead.mjs';
import * as overheadPage from './overhead-page.mjs';
import * as report from './report.mjs';
import * as scaling from './scaling.mjs';
import * as startup from './startup.mjs';
import * as steady from './steady.mjs';
import * as upload from './upload.mjs';

/**
 * @typedef {object} Question
 * @property {string} name
 * @property {string} title
 * @property {{ full: number, quick: number }} seconds it may take; 0: not in this form
 * @property {{ full: number[], quick: number[] }} [nodes] it asks, where it asks several
 * @property {(context: import('../run.mjs').Context) => Promise<void>} run
 * @property {(data: any, image: (name: string, svg: string) => string) => string} render
 * @property {(data: any) => import('../lib/baseline.mjs').Gate[]} [gates]
 * @property {(data: any) => import('../lib/budgets.mjs').Budget[]} [budgets]
 */

/** @type {readonly Question[]} */
export const questions = [
  { ...overhead, ...overheadPage, title: 'What a request costs' },
  { ...steady, title: 'What a request costs after a while' },
  { ...flushPause, title: 'How long the end of a window blocks' },
  { ...labels, title: 'Whether samples know their owner' },
  { ...startup, title: 'How much later a program starts' },
  { ...calls, title: 'What one call costs' },
  { ...memory, title: 'What stays in memory' },
  { ...bills, title: 'Whether bills are right' },
  { ...scaling, title: 'How the cost grows' },
  { ...upload, title: 'What is uploaded' },
  { ...report, title: 'How fast large profiles are read' },
];

/**
 * What the short form compares with bench/baseline.json.
 * @param {ReturnType<typeof import('../lib/store.mjs').openStore>} store
 * @returns {import('../lib/baseline.mjs').Gate[]}
 */
export const gates = (store) =>
  questions.flatMap((question) => {
    const data = store.load(question.name)?.data;
    return data === undefined ? [] : (question.gates?.(data) ?? []);
  });
