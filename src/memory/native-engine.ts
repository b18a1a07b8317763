/**
 * Live heap and allocations through V8's sampling heap profiler, with the labels of who allocated
 * (native/heap_sampler.cc, native/heap_allocs.cc).
 */
import { SpanprofError } from '../errors.ts';
import {
  type Addon,
  type AllocWindow,
  HEAP_START,
  type HeapColumns,
  type LiveColumns,
} from '../native.ts';
import { ProfileBuilder } from '../profile/builder.ts';
import { FrameTable, type ResolvePosition } from '../profile/frames.ts';
import type { Labels, Profile } from '../profile/model.ts';
import type { Bytes } from '../units.ts';
import { AllocStacks } from './alloc-stacks.ts';
import {
  type HeapEngine,
  type HeapEngineStatus,
  type HeapProfiles,
  type HeapWindow,
  heapHeader,
  type LiveProfile,
} from './engine.ts';
import { HEAP_STACK_DEPTH } from './limits.ts';
import { type RunInScope, selfTest } from './self-test.ts';

export interface NativeHeapOptions {
  readonly addon: Addon;
  readonly intervalBytes: Bytes;
  /** Whether samples shall carry labels. */
  readonly labels: boolean;
  /** Stacks a second for what is allocated, the dead included, at most; 0: it is not recorded. */
  readonly allocsPerSecond: number;
  readonly resolve: ResolvePosition;
  /** Labels of a scope id; undefined if they are lost. */
  readonly labelsFor: (scopeId: number) => Labels | undefined;
  readonly runInScope: RunInScope;
  /** Told once why heap samples carry no labels although they should. */
  readonly reportUnlabelled: (reason: string) => void;
}

/** For what was allocated where no stack is known; in parentheses as V8's own. */
const NO_STACK = '(no stack)';
const NO_LABELS: ReadonlyMap<number, Labels> = new Map();

export class NativeHeapEngine implements HeapEngine {
  readonly #options: NativeHeapOptions;
  /** V8's sampler is recognised by its interval, which must not be a round number. */
  readonly #intervalBytes: number;
  readonly #stacks: AllocStacks | undefined;
  /**
   * Labels of the scopes whose samples are alive: the scopes themselves may be long gone. Replaced, never
   * changed: a profile that is not yet built has the one of its window.
   */
  #held: ReadonlyMap<number, Labels> = new Map();
  #wanted: boolean;
  #running = false;
  #labelled = false;
  #restarts = 0;
  #allocs = { samples: 0, withoutStack: 0, thinned: 0, lost: 0 };

  constructor(options: NativeHeapOptions) {
    this.#options = options;
    this.#intervalBytes = options.intervalBytes | 1;
    this.#wanted = options.labels;
    if (options.allocsPerSecond > 0) this.#stacks = new AllocStacks(options.addon);
  }

  start(): void {
    const { addon, runInScope, reportUnlabelled } = this.#options;
    if (this.#wanted) {
      const problem = selfTest(addon, runInScope);
      this.#wanted = problem === undefined;
      if (problem !== undefined) reportUnlabelled(problem);
    }
    this.#stacks?.start();
    if (this.#begin()) return;
    this.#stacks?.stop();
    throw new SpanprofError('HEAP_PROFILER_BUSY');
  }

  #begin(): boolean {
    const { addon, allocsPerSecond } = this.#options;
    const result = addon.heapStart(
      this.#intervalBytes,
      HEAP_STACK_DEPTH,
      this.#wanted,
      allocsPerSecond,
    );
    this.#running = result !== HEAP_START.busy;
    this.#labelled = result === HEAP_START.labelled;
    this.#held = new Map();
    return this.#running;
  }

  collect(window: HeapWindow, goOn: boolean): HeapProfiles | undefined {
    this.#stacks?.collect(goOn);
    // First: to look at the heap is to allocate.
    const allocs = this.#allocsOf(window);
    const live = this.#live(window);
    if (live !== undefined) return { live, allocs };
    // Another party ended it. What was alive is forgotten; from here on it is seen again.
    if (this.#begin()) this.#restarts++;
    return undefined;
  }

  snapshot(window: HeapWindow): Profile | undefined {
    return this.#live(window)?.().heap;
  }

  #live(window: HeapWindow): (() => LiveProfile) | undefined {
    const columns = this.#options.addon.heapCollect();
    if (columns === undefined) return undefined;
    this.#hold(columns.sampleScope);
    const labels = this.#labelled ? this.#held : NO_LABELS;
    return () => this.#buildLive(window, columns, labels);
  }

  #allocsOf(window: HeapWindow): (() => Profile) | undefined {
    const collected = this.#options.addon.heapAllocs();
    if (collected === undefined) return undefined;
    this.#allocs.samples += collected.samples;
    this.#allocs.withoutStack += collected.withoutStack;
    this.#allocs.thinned += collected.thinned;
    this.#allocs.lost += collected.overflowed;
    const labels = new Map<number, Labels>();
    if (this.#labelled) {
      for (const table of collected.tables) this.#lookUp(table.sampleScope, labels);
    }
    return () => this.#buildAllocs(window, collected, labels);
  }

  #buildAllocs(
    window: HeapWindow,
    { tables }: AllocWindow,
    labels: ReadonlyMap<number, Labels>,
  ): Profile {
    const builder = new ProfileBuilder(heapHeader('allocs', this.#intervalBytes, window));
    for (const table of tables) this.#add(builder, table, window, labels);
    return builder.build();
  }

  #buildLive(
    window: HeapWindow,
    columns: LiveColumns,
    labels: ReadonlyMap<number, Labels>,
  ): LiveProfile {
    const builder = new ProfileBuilder(heapHeader('heap', this.#intervalBytes, window));
    const rows = this.#add(builder, columns, window, labels);
    const byRow = (bytes: Float64Array): number[] => {
      const sums = new Array<number>(builder.sampleCount).fill(0);
      for (const [i, row] of rows.entries()) sums[row] = (sums[row] ?? 0) + (bytes[i] ?? 0);
      return sums;
    };
    const ages = {
      survivedBytes: byRow(columns.sampleSurvivedBytes),
      settledBytes: byRow(columns.sampleSettledBytes),
    };
    return { heap: builder.build(), ages };
  }

  /** Returns the builder's row of each sample. */
  #add(
    builder: ProfileBuilder,
    columns: HeapColumns,
    { threadLabels }: HeapWindow,
    labels: ReadonlyMap<number, Labels>,
  ): Int32Array {
    const frames = new FrameTable(builder, columns, this.#options.resolve);
    const labelSets = new Map<number, number>([[0, builder.labelSet(threadLabels)]]);
    const labelSetOf = (scope: number): number => {
      const known = labelSets.get(scope);
      if (known !== undefined) return known;
      const set = builder.labelSet({ ...threadLabels, ...labels.get(scope) });
      labelSets.set(scope, set);
      return set;
    };
    return columns.sampleNode.map((node, i) =>
      builder.add(
        node < 0 ? builder.stack(-1, builder.frame(NO_STACK, '', 0)) : frames.stackOf(node),
        labelSetOf(columns.sampleScope[i] ?? 0),
        columns.sampleObjects[i] ?? 0,
        columns.sampleBytes[i] ?? 0,
      ),
    );
  }

  /** Keeps the labels of exactly these scopes. */
  #hold(scopes: Int32Array): void {
    const held = new Map<number, Labels>();
    this.#lookUp(scopes, held, this.#held);
    this.#held = held;
  }

  /** Labels of scopes, as long as they are known. */
  #lookUp(
    scopes: Int32Array,
    into: Map<number, Labels>,
    before: ReadonlyMap<number, Labels> = NO_LABELS,
  ): void {
    let last = 0;
    for (let i = 0; i < scopes.length; i++) {
      const scope = scopes[i] ?? 0;
      // Samples of one scope stand together, more or less.
      if (scope === last || scope === 0 || into.has(scope)) continue;
      last = scope;
      const labels = before.get(scope) ?? this.#options.labelsFor(scope);
      if (labels !== undefined) into.set(scope, labels);
    }
  }

  stop(): void {
    this.#options.addon.heapStop();
    this.#stacks?.stop();
    this.#running = false;
    this.#labelled = false;
    this.#held = new Map();
  }

  seenScopes(): Iterable<number> {
    return (this.#running ? this.#options.addon.heapSeenScopes() : undefined) ?? [];
  }

  holds(scopeId: number): boolean {
    return this.#held.has(scopeId);
  }

  status(): HeapEngineStatus {
    return {
      labels: this.#labelled,
      restarts: this.#restarts,
      allocs: this.#stacks === undefined ? undefined : { ...this.#allocs },
    };
  }
}
