/** The load: sessions that talk to the agents side by side, a fixed number of requests in all. */

import { setTimeout as delay } from 'node:timers/promises';
import { DemoError } from './outcome.mjs';

const AGENTS = ['research_agent', 'writer_agent', 'analyst_agent'];
const QUESTIONS = [
  'What drives the cost of energy?',
  'How will the demand for water change?',
  'Where does transport policy fail?',
  'What do prices say about housing supply?',
  'Does farming need larger networks?',
  'How fast is the cost of health growing?',
];
const SESSIONS = 12;
const REQUESTS = 240;
/** On a slow machine the load ends here, with fewer requests than planned. */
const MAX_MILLIS = 20_000;
/** A person reads the answer before asking on. */
const THINK_MILLIS = 250;

/**
 * @param {string} url the service
 * @param {(answered: number, planned: number) => void} onAnswer called after each answer
 * @returns {Promise<{requests: number, sessions: number}>}
 */
export async function sendLoad(url, onAnswer) {
  const deadlineMillis = performance.now() + MAX_MILLIS;
  let sent = 0;
  let answered = 0;

  /** @param {number} number */
  async function session(number) {
    while (sent < REQUESTS && performance.now() < deadlineMillis) {
      const request = sent++;
      const agent = AGENTS[request % AGENTS.length] ?? '';
      const input = QUESTIONS[(request * 5 + number) % QUESTIONS.length] ?? '';
      await invoke(url, agent, { session_id: `demo-${number}`, input });
      onAnswer(++answered, REQUESTS);
      await delay(THINK_MILLIS);
    }
  }
  await Promise.all(Array.from({ length: SESSIONS }, (_, i) => session(i + 1)));
  return { requests: answered, sessions: SESSIONS };
}

/** Rejects unless the service says that it is well. @param {string} url */
export async function checkHealth(url) {
  const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new DemoError(`the service is not healthy: status ${response.status}`);
}

/**
 * @typedef {object} Answer
 * @property {string} [error] why there is no answer
 * @property {{ name: string, error?: string }[]} [steps]
 */

/**
 * Rejects unless the agent and all its tools did their work.
 *
 * @param {string} url
 * @param {string} agent
 * @param {{ session_id: string, input: string }} body
 */
async function invoke(url, agent, body) {
  const response = await fetch(`${url}/agents/${agent}/invoke`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  });
  const answer = /** @type {Answer} */ (await response.json());
  if (!response.ok) {
    throw new DemoError(`${agent} answered with status ${response.status}: ${answer.error}`);
  }
  const failed = answer.steps?.find((step) => step.error !== undefined);
  if (failed) throw new DemoError(`${failed.name} of ${agent} failed: ${failed.error}`);
}
