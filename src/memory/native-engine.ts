/**
 * Live heap and allocations through V8's sampling heap profiler, with the labels of who allocated
 * (native/heap_sampler.cc, native/heap_allocs.cc).
 */
import { SpanprofError } from '../errors.ts';
import { type Addon, HEAP_START, type HeapColumns, type LiveColumns } from '../native.ts';
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

export class NativeHeapEngine implements HeapEngine {
  readonly #options: NativeHeapOptions;
  /** V8's sampler is recognised by its interval, which must not be a round number. */
  readonly #intervalBytes: number;
  readonly #stacks: AllocStacks | undefined;
  /** Labels of the scopes whose samples are alive: the scopes themselves may be long gone. */
  #held = new Map<number, Labels>();
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
    this.#held.clear();
    return this.#running;
  }

  collect(window: HeapWindow, goOn: boolean): HeapProfiles | undefined {
    this.#stacks?.collect(goOn);
    // First: to build the heap profile is to allocate.
    const allocs = this.#collectAllocs(window);
    const columns = this.#options.addon.heapCollect();
    if (columns !== undefined) return { ...this.#heap(window, columns), allocs };
    // Another party ended it. What was alive is forgotten; from here on it is seen again.
    if (this.#begin()) this.#restarts++;
    return undefined;
  }

  snapshot(window: HeapWindow): Profile | undefined {
    const columns = this.#options.addon.heapCollect();
    return columns === undefined ? undefined : this.#heap(window, columns).heap;
  }

  #collectAllocs(window: HeapWindow): Profile | undefined {
    const collected = this.#options.addon.heapAllocs();
    if (collected === undefined) return undefined;
    this.#allocs.samples += collected.samples;
    this.#allocs.withoutStack += collected.withoutStack;
    this.#allocs.thinned += collected.thinned;
    this.#allocs.lost += collected.overflowed;
    const builder = new ProfileBuilder(heapHeader('allocs', this.#intervalBytes, window));
    for (const table of collected.tables) {
      this.#add(builder, table, window, (scope) => this.#options.labelsFor(scope));
    }
    return builder.build();
  }

  #heap(window: HeapWindow, columns: LiveColumns): Omit<HeapProfiles, 'allocs'> {
    const builder = new ProfileBuilder(heapHeader('heap', this.#intervalBytes, window));
    this.#hold(columns.sampleScope);
    const rows = this.#add(builder, columns, window, (scope) => this.#held.get(scope));
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
    labelsOf: (scope: number) => Labels | undefined,
  ): Int32Array {
    const frames = new FrameTable(builder, columns, this.#options.resolve);
    const labelSets = new Map<number, number>([[0, builder.labelSet(threadLabels)]]);
    const labelSetOf = (scope: number): number => {
      const known = labelSets.get(scope);
      if (known !== undefined) return known;
      const set = builder.labelSet({ ...threadLabels, ...labelsOf(scope) });
      labelSets.set(scope, set);
      return set;
    };
    return columns.sampleNode.map((node, i) =>
      builder.add(
        node < 0 ? builder.stack(-1, builder.frame(NO_STACK, '', 0)) : frames.stackOf(node),
        labelSetOf(this.#labelled ? (columns.sampleScope[i] ?? 0) : 0),
        columns.sampleObjects[i] ?? 0,
        columns.sampleBytes[i] ?? 0,
      ),
    );
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
    this.#stacks?.stop();
    this.#running = false;
    this.#labelled = false;
    this.#held.clear();
  }

  seenScopes(): Iterable<number> {
    return this.#running ? this.#options.addon.heapSeenScopes() : [];
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
