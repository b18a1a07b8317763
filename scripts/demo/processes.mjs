/** The processes of the demo: the compiler, the fake model and the service under the preload. */

import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DemoError, late } from './outcome.mjs';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
const example = 'examples/agent-service';

const START_MILLIS = 20_000;
/** Longer than the service gives its requests to finish, plus writing the last window. */
const STOP_MILLIS = 15_000;
/** Enough to show what a program complained about. */
const MAX_STDERR = 16 * 1024;

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

export async function compileExample() {
  for (const file of ['dist/index.js', 'dist/register.js']) {
    if (!existsSync(join(repository, file))) throw new DemoError(`no ${file}: run npm ci first`);
  }
  const compiler = ['node_modules/typescript/bin/tsc', '-p', example];
  try {
    await promisify(execFile)(process.execPath, compiler, { cwd: repository });
  } catch (error) {
    const { stdout, message } = /** @type {Error & { stdout?: string }} */ (error);
    const [line] = (stdout || message).split('\n');
    throw new DemoError(`${example} cannot be compiled: ${line}`);
  }
}

export function startFakeModel() {
  return start('the fake model', [`${example}/dist/fake/main.js`], {
    PORT: '0',
    SPANPROF_ENABLED: 'false',
  });
}

/**
 * The service, unmodified, under the preload.
 *
 * @param {string} modelUrl
 * @param {string} directory where the profiles go
 * @param {number} windowSeconds
 */
export function startService(modelUrl, directory, windowSeconds) {
  return start('the service', ['--require', 'spanprof/register', `${example}/dist/main.js`], {
    PORT: process.env['PORT'] ?? '0',
    LLM_URL: modelUrl,
    SPANPROF_SERVICE_NAME: 'agent-service',
    SPANPROF_EXPORTERS: 'file',
    SPANPROF_FILE_DIRECTORY: directory,
    SPANPROF_WINDOW_SECONDS: String(windowSeconds),
  });
}

/**
 * @typedef {object} Started
 * @property {string} url where it listens
 * @property {Promise<never>} died rejects when the process ends before `stop` was called
 * @property {() => Promise<void>} stop rejects unless it ends with 0
 * @property {() => string} stderr the last of what it wrote there
 */

/**
 * Starts Node with these arguments and waits for the address it prints.
 *
 * @param {string} title
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string>>} environment
 * @returns {Promise<Started>}
 */
async function start(title, args, environment) {
  const child = spawn(process.execPath, args, {
    cwd: repository,
    env: { ...inheritedEnvironment(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let stdout = '';
  let stderr = '';
  let stopping = false;
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr = (stderr + text).slice(-MAX_STDERR);
  });

  /** @type {Promise<string | number | null>} */
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(`cannot be started: ${error.message}`));
    child.once('close', (code, signal) => resolve(signal ?? code));
  });
  /** @type {Promise<never>} */
  const died = ended.then((how) => {
    children.delete(child);
    if (stopping) return new Promise(() => {});
    throw new DemoError(`${title} ended early (${how})${complaint(stderr)}`);
  });
  died.catch(() => {});

  /** @type {Promise<string>} */
  const listening = new Promise((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      if (stdout.length > MAX_STDERR) return;
      stdout += text;
      const address = /http:\/\/\S+(?=\n)/.exec(stdout)?.[0];
      if (address) resolve(address);
    });
  });
  const url = await Promise.race([listening, died, late(START_MILLIS, `${title} did not start`)]);

  async function stop() {
    stopping = true;
    child.kill('SIGTERM');
    const how = await Promise.race([ended, late(STOP_MILLIS, `${title} did not stop`)]);
    if (how !== 0) {
      throw new DemoError(`${title} ended with ${how} on SIGTERM, not with 0${complaint(stderr)}`);
    }
  }
  return { url, died, stop, stderr: () => stderr.trim() };
}

/** The line of stderr that says most: the error of a stack trace, else the last one. @param {string} stderr */
function complaint(stderr) {
  const lines = stderr.trim().split('\n');
  const line = lines.find((text) => /^\w*Error\b/.test(text)) ?? lines.at(-1);
  return line ? `: ${line}` : '';
}

/** Our own settings decide what the demo shows, whatever the shell has set. */
function inheritedEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SPANPROF|PYROSCOPE|OTEL)_/.test(name)),
  );
}
