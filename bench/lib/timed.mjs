/** A whole command: how long it took and how much memory it needed. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isPinned } from './process.mjs';

/**
 * @param {readonly string[]} command
 * @param {{ core: number, timeoutMillis: number, cwd: string }} options
 * @returns {Promise<{ wallMillis: number, rssMib: number }>} of its largest process, as seen every 20 ms
 */
export function timed(command, { core, timeoutMillis, cwd }) {
  const [program = '', ...args] = isPinned ? ['taskset', '-c', String(core), ...command] : command;
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    const child = spawn(program, args, {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: timeoutMillis,
      killSignal: 'SIGKILL',
    });
    let stderr = '';
    let rssMib = 0;
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr = (stderr + text).slice(-4_000);
    });
    const timer = setInterval(() => {
      rssMib = Math.max(rssMib, peakMib(child.pid));
    }, 20);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearInterval(timer);
      if (code === 0) resolve({ wallMillis: performance.now() - begin, rssMib });
      else
        reject(
          new Error(
            signal === 'SIGKILL'
              ? `not done in ${timeoutMillis / 1_000} s`
              : stderr.trim() || `ended with ${code}`,
          ),
        );
    });
  });
}

/** @param {number | undefined} pid */
function peakMib(pid) {
  try {
    const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kib ?? 0) / 1_024;
  } catch {
    return 0;
  }
}
