/** spanprof with its native calls timed, to split a window's end into parts. */

import { addon } from '../../.cache/modules/native.js';
import { run, status } from '../../dist/index.js';

/** As `ownCpuMicros`: CPU time of this thread. */
const { threadCpuNanos } = addon;
const windows = [];
let collected = 0;
/** Windows so far. */
export const ended = () => collected;
let current = {};
let ownMicros = 0;
function time(name, part) {
  const original = addon[name];
  addon[name] = (...args) => {
    const begin = threadCpuNanos();
    try {
      return original.apply(addon, args);
    } finally {
      if (name === 'cpuCollect') collected++;
      current[part] = (current[part] ?? 0) + (threadCpuNanos() - begin) / 1e6;
    }
  };
}
time('cpuCollect', 'V8 stop and free, join and add up');
time('heapCollect', 'heap samples');
time('heapAllocs', 'heap samples');

/** Once a window: what was timed since. */
export function windowEnded() {
  const { ownCpuMicros } = status();
  const native = Object.values(current).reduce((sum, millis) => sum + millis, 0);
  if (native > 0) {
    windows.push({
      ...current,
      'labels, frames, build': Math.max((ownCpuMicros - ownMicros) / 1000 - native, 0),
    });
  }
  ownMicros = ownCpuMicros;
  current = {};
}
export const wrap = run;
export const parts = () => windows;
