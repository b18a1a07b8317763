/** Live heap through V8's sampling heap profiler, with the labels of who allocated (native/heap_sampler.cc). */
import { SpanprofError } from '../errors.ts';
import { type Addon, HEAP_START, type HeapColumns } from '../native.ts';
import { ProfileBuilder } from '../profile/builder.ts';
import { FrameTable, type ResolvePosition } from '../profile/frames.ts';
import type { Labels, Profile } from '../profile/model.ts';
import type { Bytes } from '../units.ts';
import { type HeapEngine, type HeapEngineStatus, type HeapWindow, heapHeader } from './engine.ts';
import { HEAP_STACK_DEPTH } from './limits.ts';
import { type RunInScope, selfTest } from './self-test.ts';

export interface NativeHeapOptions {
  readonly addon: Addon;
  readonly intervalBytes: Bytes;
  /** Whether samples shall carry labels. */
  readonly labels: boolean;
  readonly resolve: ResolvePosition;
  /** Labels of a scope id; undefined if they are lost. */
  readonly labelsFor: (scopeId: number) => Labels | undefined;
  readonly runInScope: RunInScope;
  /** Told once why heap samples carry no labels although they should. */
  readonly reportUnlabelled: (reason: string) => void;
}

export class NativeHeapEngine implements HeapEngine {
  readonly #options: NativeHeapOptions;
  /** V8's sampler is recognised by its interval, which must not be a round number. */
  readonly #intervalBytes: number;
  /** Labels of the scopes whose samples are alive: the scopes themselves may be long gone. */
  #held = new Map<number, Labels>();
  #wanted: boolean;
  #running = false;
  #labelled = false;
  #restarts = 0;

  constructor(options: NativeHeapOptions) {
    this.#options = options;
    this.#intervalBytes = options.intervalBytes | 1;
    this.#wanted = options.labels;
  }

  start(): void {
    const { addon, runInScope, reportUnlabelled } = this.#options;
    if (this.#wanted) {
      const problem = selfTest(addon, runInScope);
      this.#wanted = problem === undefined;
      if (problem !== undefined) reportUnlabelled(problem);
    }
    if (!this.#begin()) throw new SpanprofError('HEAP_PROFILER_BUSY');
  }

  #begin(): boolean {
    const { addon } = this.#options;
    const result = addon.heapStart(this.#intervalBytes, HEAP_STACK_DEPTH, this.#wanted);
    this.#running = result !== HEAP_START.busy;
    this.#labelled = result === HEAP_START.labelled;
    this.#held.clear();
    return this.#running;
  }

  collect(window: HeapWindow): Profile | undefined {
    const columns = this.#options.addon.heapCollect();
    if (columns !== undefined) return this.#build(window, columns);
    // Another party ended it. What was alive is forgotten; from here on it is seen again.
    if (this.#begin()) this.#restarts++;
    return undefined;
  }

  #build(window: HeapWindow, columns: HeapColumns): Profile {
    const builder = new ProfileBuilder(heapHeader(this.#intervalBytes, window));
    const frames = new FrameTable(builder, columns, this.#options.resolve);
    this.#hold(columns.sampleScope);
    for (let i = 0; i < columns.sampleNode.length; i++) {
      const own = this.#held.get(columns.sampleScope[i] ?? 0);
      builder.add(
        frames.stackOf(columns.sampleNode[i] ?? 0),
        builder.labelSet(
          own === undefined ? window.threadLabels : { ...window.threadLabels, ...own },
        ),
        columns.sampleObjects[i] ?? 0,
        columns.sampleBytes[i] ?? 0,
      );
    }
    return builder.build();
  }

  /** Keeps the labels of exactly these scopes. */
  #hold(scopes: Int32Array): void {
    const held = new Map<number, Labels>();
    for (const scope of scopes) {
      if (scope === 0 || held.has(scope)) continue;
      const labels = this.#held.get(scope) ?? this.#options.labelsFor(scope);
      if (labels !== undefined) held.set(scope, labels);
    }
    this.#held = held;
  }

  stop(): void {
    this.#options.addon.heapStop();
    this.#running = false;
    this.#held.clear();
  }

  seenScopes(): Iterable<number> {
    return this.#running ? this.#options.addon.heapSeenScopes() : [];
  }

  holds(scopeId: number): boolean {
    return this.#held.has(scopeId);
  }

  status(): HeapEngineStatus {
    return { labels: this.#labelled, restarts: this.#restarts };
  }
}
