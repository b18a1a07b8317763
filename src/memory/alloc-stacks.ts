/**
 * The stacks of allocations come from V8's CPU profiler. Where CPU profiles are wanted it runs
 * anyway; where they are not, it runs for the allocations alone.
 */
import { type Addon, CPU_START } from '../native.ts';

/**
 * V8's own thread turns addresses into functions once in this time, and on the way takes a CPU
 * sample that nobody looks at: twenty a second cost under 0.1 % of a core. What it has not done when a
 * window ends has no stack.
 */
const INTERVAL_MICROS = 50_000;
/** CPU samples noted between two windows; what has no room is of no interest. */
const TICKS = 1_024;

export class AllocStacks {
  readonly #addon: Addon;
  #runs = false;

  constructor(addon: Addon) {
    this.#addon = addon;
  }

  /** After the CPU engine has started, if it is to. Where SIGPROF is taken, there are no stacks. */
  start(): void {
    if (this.#addon.cpuRuns()) return;
    this.#runs = this.#addon.cpuStart(INTERVAL_MICROS, TICKS) === CPU_START.started;
  }

  /** Before allocations are collected. */
  collect(goOn: boolean): void {
    if (!this.#runs || this.#addon.cpuCollect(goOn) !== undefined || !goOn) return;
    // Somebody who borrowed the sampler has stopped it, or SIGPROF was taken away for a while.
    this.#addon.cpuStart(INTERVAL_MICROS, TICKS);
  }

  stop(): void {
    if (this.#runs) this.#addon.cpuStop();
    this.#runs = false;
  }
}
