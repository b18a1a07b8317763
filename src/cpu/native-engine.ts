/** The CPU engine on our own collector (native/cpu_sampler.cc). */
import { SpanprofError } from '../errors.ts';
import { type Addon, CPU_START, type CpuCollection } from '../native.ts';
import { ProfileBuilder } from '../profile/builder.ts';
import { FrameTable, type ResolvePosition } from '../profile/frames.ts';
import { type Labels, type Profile, SAMPLE_TYPES } from '../profile/model.ts';
import { project } from '../profile/project.ts';
import { lazy } from '../profile/unbuilt.ts';
import { MICROS_PER_SECOND, type Seconds } from '../units.ts';
import {
  type CpuEngine,
  type CpuEngineStatus,
  type CpuProfiles,
  cpuHeader,
  type WindowContext,
} from './engine.ts';
import { NonJsCpu } from './non-js-cpu.ts';

export interface NativeEngineOptions {
  readonly addon: Addon;
  readonly frequencyHertz: number;
  readonly windowSeconds: Seconds;
  /** Labels of a scope id; undefined if they are lost. */
  readonly labelsFor: (scopeId: number) => Labels | undefined;
  readonly resolve: ResolvePosition;
  /** Also report the CPU time of threads that run no JavaScript: one thread of a process does. */
  readonly reportsNonJsThreads: boolean;
}

/** A window that ends late (a blocked event loop) must still find room for its samples. */
const BUFFER_WINDOWS = 4;
/** 32 bytes each: at most 8 MiB, at 1 kHz more than four minutes. */
const MAX_BUFFERED_SAMPLES = 262_144;
const MIN_BUFFERED_SAMPLES = 1_024;

/** Frames for time that has no stack; in parentheses as V8's own. */
const UNSAMPLED = '(unsampled)';
const NON_JS_THREADS = '(non-JS threads)';

export class NativeCpuEngine implements CpuEngine {
  readonly #options: NativeEngineOptions;
  readonly #nonJsCpu: NonJsCpu | undefined;
  #samples = 0;
  #lostSamples = 0;
  #restarts = 0;

  constructor(options: NativeEngineOptions) {
    this.#options = options;
    this.#nonJsCpu = options.reportsNonJsThreads ? new NonJsCpu(options.addon) : undefined;
  }

  start(): void {
    const { addon, frequencyHertz, windowSeconds } = this.#options;
    const wanted = frequencyHertz * windowSeconds * BUFFER_WINDOWS;
    const capacity = Math.min(Math.max(wanted, MIN_BUFFERED_SAMPLES), MAX_BUFFERED_SAMPLES);
    const result = addon.cpuStart(Math.round(MICROS_PER_SECOND / frequencyHertz), capacity);
    if (result === CPU_START.foreignProfiler) throw new SpanprofError('CPU_PROFILER_BUSY');
    if (result !== CPU_START.started) {
      throw new SpanprofError('CPU_START_FAILED', { reason: 'V8 refused to start a CPU profile' });
    }
    this.#nonJsCpu?.take();
  }

  collect(window: WindowContext, goOn: boolean): CpuProfiles | undefined {
    const collected = this.#options.addon.cpuCollect(goOn);
    if (collected === undefined) {
      if (goOn) this.#restart();
      return undefined;
    }
    this.#samples += collected.matchedTicks;
    this.#lostSamples += collected.lostTicks + collected.overflowedTicks;
    if (collected.stuck) this.#restarts++;
    return this.#profiles(window, collected);
  }

  /** Somebody took SIGPROF away from V8 and us; tried again at every window. */
  #restart(): void {
    try {
      this.start();
      this.#restarts++;
    } catch {
      // Still taken.
    }
  }

  #profiles(window: WindowContext, collected: CpuCollection): CpuProfiles {
    const { frequencyHertz } = this.#options;
    // Now, the rest may wait: scopes are let go of, and other threads work on.
    const labels = this.#labelsByScope(collected.window.sampleScope, window.threadLabels);
    const nonJsCpuNanos = this.#nonJsCpu?.take() ?? 0;
    const all = lazy(() => this.#build(window, collected, labels, nonJsCpuNanos));
    return {
      wall: () => project(all(), 1, cpuHeader('wall', frequencyHertz, window)),
      cpu: () => project(all(), 2, cpuHeader('cpu', frequencyHertz, window)),
    };
  }

  /** All columns on one set of tables: samples, wall and CPU time. */
  #build(
    window: WindowContext,
    collected: CpuCollection,
    labels: ReadonlyMap<number, Labels>,
    nonJsCpuNanos: number,
  ): Profile {
    const { frequencyHertz, resolve } = this.#options;
    const columns = collected.window;
    const builder = new ProfileBuilder({
      ...cpuHeader('wall', frequencyHertz, window),
      sampleTypes: [...SAMPLE_TYPES.wall, ...SAMPLE_TYPES.cpu.slice(1)],
    });
    const frames = new FrameTable(builder, columns, resolve);
    const { sampleNode, sampleLine, sampleScope } = columns;
    const { sampleCount, sampleWallNanos, sampleCpuNanos } = columns;
    const values = [0, 0, 0];
    let lastScope = 0;
    let labelSet = builder.labelSet(window.threadLabels);
    for (let i = 0; i < sampleNode.length; i++) {
      const scope = sampleScope[i] ?? 0;
      if (scope !== lastScope) {
        labelSet = builder.labelSet(labels.get(scope) ?? window.threadLabels);
        lastScope = scope;
      }
      values[0] = sampleCount[i] ?? 0;
      values[1] = sampleWallNanos[i] ?? 0;
      values[2] = sampleCpuNanos[i] ?? 0;
      builder.addValues(frames.stackOf(sampleNode[i] ?? 0, sampleLine[i]), labelSet, values);
    }
    const addWithoutStack = (frame: string, cpuNanos: number): void => {
      if (cpuNanos <= 0) return;
      const stack = builder.stack(-1, builder.frame(frame, '', 0));
      builder.addValues(stack, builder.labelSet(window.threadLabels), [0, 0, cpuNanos]);
    };
    addWithoutStack(UNSAMPLED, collected.unsampledCpuNanos);
    addWithoutStack(NON_JS_THREADS, nonJsCpuNanos);
    return builder.build();
  }

  #labelsByScope(scopes: Int32Array, threadLabels: Labels): Map<number, Labels> {
    const labels = new Map<number, Labels>([[0, threadLabels]]);
    const isPlain = Object.keys(threadLabels).length === 0;
    let last = 0;
    // Not `of`: until V8 has compiled this, its iterator takes longer than all the rest.
    for (let i = 0; i < scopes.length; i++) {
      const scope = scopes[i] ?? 0;
      if (scope === last || labels.has(scope)) continue;
      last = scope;
      const own = this.#options.labelsFor(scope);
      if (own === undefined) labels.set(scope, threadLabels);
      // Frozen objects as they are: the builder knows them again by identity.
      else labels.set(scope, isPlain ? own : Object.freeze({ ...threadLabels, ...own }));
    }
    return labels;
  }

  stop(): void {
    this.#options.addon.cpuStop();
  }

  seenScopes(): Iterable<number> {
    return this.#options.addon.cpuSeenScopes() ?? [];
  }

  status(): CpuEngineStatus {
    return {
      engine: 'native',
      samples: this.#samples,
      lostSamples: this.#lostSamples,
      restarts: this.#restarts,
    };
  }
}
