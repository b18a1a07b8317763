/** One measured process: pinned, with a time-out, and never left behind. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const taskset = ['/usr/bin/taskset', '/bin/taskset'].find((path) => existsSync(path));
export const isPinned = taskset !== undefined && availableParallelism() > 1;

/** What is measured runs on one core, what drives it on another. */
export const MEASURED_CORE = 0;
export const CLIENT_CORE = 1;

/** @type {Set<import('node:child_process').ChildProcess>} */
const alive = new Set();

/** Ends everything that was started. */
export function killAll() {
  for (const child of alive) kill(child);
}

/** @param {import('node:child_process').ChildProcess} child */
function kill(child) {
  // A group of its own: what the process started goes with it.
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

/**
 * @typedef {object} Launch
 * @property {string} node binary
 * @property {readonly string[]} args
 * @property {Record<string, string>} [env] in addition to a bare environment
 * @property {number | null} [core] null: any
 * @property {number} timeoutMillis
 * @property {string} [cwd]
 */

/**
 * A running child with its messages.
 * @param {Launch} launch
 */
export function launch({ node, args, env = {}, core = MEASURED_CORE, timeoutMillis, cwd }) {
  const command = isPinned && core !== null ? [taskset ?? '', '-c', String(core), node] : [node];
  const [program = '', ...before] = command;
  const child = spawn(program, [...before, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
  });
  alive.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr = (stderr + text).slice(-20_000);
  });
  /** @type {Map<string, (message: any) => void>} */
  const waiting = new Map();
  /** @type {Map<string, any>} */
  const early = new Map();
  child.on('message', (/** @type {any} */ message) => {
    const resolve = waiting.get(message.type);
    if (resolve === undefined) early.set(message.type, message);
    else resolve(message);
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    kill(child);
  }, timeoutMillis);
  /** @type {Promise<{ code: number | null, signal: string | null }>} */
  const exited = new Promise((resolve) => {
    child.on('error', (error) => {
      stderr += error.message;
      resolve({ code: -1, signal: null });
    });
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  void exited.then(() => {
    clearTimeout(timer);
    alive.delete(child);
  });
  const failure = (/** @type {{ code: number | null, signal: string | null }} */ end) => {
    if (isLate) return new Error(`no result within ${timeoutMillis / 1000} s`);
    const lines = stderr.trim().split('\n');
    const said = lines.find((line) => /^\w*Error\b.*: /.test(line)) ?? lines.at(-1) ?? '';
    return new Error(
      `ended with ${end.signal ?? `code ${end.code}`}${said === '' ? '' : `: ${said.trim()}`}`,
    );
  };
  return {
    child,
    /** The next message of a type; rejects if the process ends or is late. @param {string} type */
    message(type) {
      const known = early.get(type);
      if (known !== undefined) {
        early.delete(type);
        return Promise.resolve(known);
      }
      return new Promise((resolve, reject) => {
        waiting.set(type, resolve);
        void exited.then((end) => reject(failure(end)));
      });
    },
    /** Resolves with stdout if it ends with 0. */
    async output() {
      const end = await exited;
      if (end.code !== 0) throw failure(end);
      return stdout;
    },
    exited,
    stderr: () => stderr,
    async kill() {
      kill(child);
      await exited;
    },
    /** @param {object} message */
    send(message) {
      child.send(message, () => {});
    },
  };
}
