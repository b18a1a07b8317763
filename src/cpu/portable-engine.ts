/**
 * The CPU engine where the addon cannot load: @datadog/pprof, which ships binaries for more
 * platforms. Labels are handed to it at every switch by async_hooks. Costs more per window than the
 * native engine (it blocks the event loop for tens of milliseconds) and is therefore only the
 * second choice.
 */
import { createRequire } from 'node:module';
import type { Profile as PprofProfile } from 'pprof-format';
import { SpanprofError } from '../errors.ts';
import { fromPprofFormat } from '../profile/from-pprof-format.ts';
import type { Labels, LabelValue, Profile } from '../profile/model.ts';
import { project } from '../profile/project.ts';
import { MICROS_PER_SECOND, MILLIS_PER_SECOND, type Seconds } from '../units.ts';
import {
  type CpuEngine,
  type CpuEngineStatus,
  type CpuProfiles,
  cpuHeader,
  type WindowContext,
} from './engine.ts';

/** A scope, as far as this room knows it. */
interface LabelledScope {
  readonly labels: Labels;
}

/** The part of @datadog/pprof 5.20 used here. */
interface TimeProfiler {
  start(options: object): void;
  stop(
    restart: boolean,
    generateLabels: (args: { context?: { context?: unknown } }) => Record<string, LabelValue>,
  ): PprofProfile;
  setContext(context: object): void;
  isStarted(): boolean;
}

export interface PortableEngineOptions {
  readonly frequencyHertz: number;
  readonly windowSeconds: Seconds;
}

/** The engine's buffer holds two windows of the length it is told; a late window needs more. */
const BUFFER_WINDOWS = 2;
const NOTHING: LabelledScope = { labels: {} };

export class PortableCpuEngine implements CpuEngine {
  readonly #options: PortableEngineOptions;
  #time: TimeProfiler | undefined;
  #samples = 0;

  constructor(options: PortableEngineOptions) {
    this.#options = options;
  }

  /** Tells the engine which scope runs from now on. Called at every switch. */
  setScope(scope: LabelledScope | undefined): void {
    this.#time?.setContext(scope ?? NOTHING);
  }

  start(): void {
    const { frequencyHertz, windowSeconds } = this.#options;
    try {
      const require = createRequire(import.meta.url);
      const { time } = require('@datadog/pprof') as { time: TimeProfiler };
      if (time.isStarted()) throw new SpanprofError('CPU_PROFILER_BUSY');
      time.start({
        intervalMicros: Math.round(MICROS_PER_SECOND / frequencyHertz),
        durationMillis: windowSeconds * MILLIS_PER_SECOND * BUFFER_WINDOWS,
        // No contexts, and with them no CPU time, on Windows.
        withContexts: process.platform !== 'win32',
        collectCpuTime: process.platform !== 'win32',
        useCPED: false,
        lineNumbers: false,
        // It waits for a signal, up to two periods, at every window: a pause worse than the bug.
        workaroundV8Bug: false,
      });
      this.#time = time;
    } catch (error) {
      if (error instanceof SpanprofError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new SpanprofError('CPU_START_FAILED', { reason: reason.split('\n', 1)[0] ?? reason });
    }
  }

  collect(window: WindowContext, goOn: boolean): CpuProfiles | undefined {
    const time = this.#time;
    if (time === undefined || !time.isStarted()) return undefined;
    if (!goOn) this.#time = undefined;
    const collected = time.stop(goOn, ({ context }) => {
      const scope = context?.context as Partial<LabelledScope> | undefined;
      return { ...window.threadLabels, ...scope?.labels };
    });
    const all = fromPprofFormat(collected);
    const wall = this.#columns(all, 'wall', window);
    this.#samples += wall.samples.values[0]?.reduce((sum, count) => sum + count, 0) ?? 0;
    return { wall: () => wall, cpu: () => this.#columns(all, 'cpu', window) };
  }

  /** The count column and the one named like the profile type. */
  #columns(all: Profile, profileType: 'cpu' | 'wall', window: WindowContext): Profile {
    const value = all.sampleTypes.findIndex(({ type }) => type === profileType);
    return project(all, value, cpuHeader(profileType, this.#options.frequencyHertz, window));
  }

  stop(): void {
    const time = this.#time;
    this.#time = undefined;
    if (time?.isStarted()) time.stop(false, () => ({}));
  }

  seenScopes(): Iterable<number> {
    return [];
  }

  status(): CpuEngineStatus {
    return { engine: 'portable', samples: this.#samples, lostSamples: 0, restarts: 0 };
  }
}
