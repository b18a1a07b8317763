/** Under the preload, in scopes. */
import { run, status } from '../../dist/index.js';

export const wrap = (labels, fn) => run(labels, fn);
export function evidence() {
  const { state, cpu, heap, windows, bills, otel, ownCpuMicros } = status();
  if (
    state !== 'running' ||
    cpu.state !== 'running' ||
    heap.state !== 'running' ||
    cpu.samples === 0
  ) {
    throw new Error(`spanprof does not run: ${JSON.stringify({ state, cpu, heap })}`);
  }
  return {
    samples: cpu.samples,
    windows: windows.completed,
    bills,
    otel: otel.state,
    ownCpuMicros,
  };
}
