/**
 * The only file that loads the addon. Everything in `native/addon.cc` appears here, typed; when the
 * addon cannot load, `addon` is undefined and `addonProblem` says why.
 */
import type { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { packageFile } from './package-files.ts';

/** Frames as V8 reports them, in columns. Implemented in native/cpu_table.cc and heap_table.cc. */
export interface FrameColumns {
  readonly strings: readonly string[];
  /** Four numbers a function: name and file (into `strings`), line and column (1-based, 0 unknown). */
  readonly functions: Int32Array;
  /** A stack: its caller's stack (-1 none; always a smaller index) … */
  readonly nodeParent: Int32Array;
  /** … and its function. */
  readonly nodeFunction: Int32Array;
}

/** Totals of one CPU window per (stack, scope, line of the leaf). */
export interface CpuWindow extends FrameColumns {
  readonly sampleNode: Int32Array;
  readonly sampleScope: Int32Array;
  /** Line that ran in the leaf, 1-based; 0 if unknown. */
  readonly sampleLine: Int32Array;
  readonly sampleCount: Float64Array;
  readonly sampleWallNanos: Float64Array;
  readonly sampleCpuNanos: Float64Array;
}

/** One collected window. Implemented in native/cpu_sampler.cc. */
export interface CpuCollection {
  readonly window: CpuWindow;
  readonly durationNanos: number;
  /** CPU time of this thread that no sample stands for. */
  readonly unsampledCpuNanos: number;
  /** Signals joined with a stack, without one, and those the buffer had no room for. */
  readonly matchedTicks: number;
  readonly lostTicks: number;
  readonly overflowedTicks: number;
  /** V8's profiler had stopped taking samples; it was restarted. */
  readonly stuck: boolean;
}

/** Sampled allocations per (stack, scope). */
export interface HeapColumns extends FrameColumns {
  readonly sampleNode: Int32Array;
  /** The scope that allocated; 0 outside of all, and everywhere without labels. */
  readonly sampleScope: Int32Array;
  readonly sampleObjects: Float64Array;
  readonly sampleBytes: Float64Array;
}

/** Live heap. Implemented in native/heap_table.cc. */
export interface LiveColumns extends HeapColumns {
  /** Of `sampleBytes`, what was alive already the last time; 0 where V8 is not built as we know it. */
  readonly sampleSurvivedBytes: Float64Array;
  /** What the last full collection has proven to be alive; likewise. Needs `gcStart`. */
  readonly sampleSettledBytes: Float64Array;
}

/** What was allocated since the last look. Implemented in native/heap_allocs.cc. */
export interface AllocWindow {
  /** Stack -1: none is known. */
  readonly tables: readonly HeapColumns[];
  readonly samples: number;
  /** Of them, those without a stack. */
  readonly withoutStack: number;
  /** Samples beyond these that were thinned out: the others stand for them. */
  readonly thinned: number;
  /** Samples beyond these that the buffer had no room for. */
  readonly overflowed: number;
}

/** Rows of running figures, shared with native/switcher.cc. Times are in milliseconds. */
export interface BillMemory {
  /** See `SWITCHER_WORD` and `SWITCHER_NUMBER`. */
  readonly words: Int32Array;
  readonly numbers: Float64Array;
  /** `NUMBERS_PER_ROW` for each bill, see `ROW_NUMBER`. */
  readonly rows: Float64Array;
  /** Rows with pending time. */
  readonly touched: Int32Array;
}

/** Places in a row, in the order of `BillRow` in native/switcher.h. */
export const ROW_NUMBER = {
  /** Elapsed time booked by switches since native code last looked. */
  pending: 0,
  /** Of the running turn. */
  turn: 1,
  turnInclusive: 2,
  cpu: 4,
  cpuInclusive: 5,
  turns: 6,
  turnsInclusive: 7,
  longest: 8,
  longestInclusive: 9,
  /** Where allocated bytes are counted; else 0. */
  bytes: 10,
  bytesInclusive: 11,
  /** Row of the bill that includes this one; 0 none. */
  parent: 12,
} as const;
export const NUMBERS_PER_ROW = 16;

/** Places in `BillMemory.words` and `.numbers`, in the order of native/switcher.h. */
export const SWITCHER_WORD = {
  row: 0,
  touched: 1,
  inTurn: 2,
  switches: 3,
  looks: 4,
  events: 5,
  lostEvents: 6,
  turn: 7,
} as const;
export const SWITCHER_NUMBER = {
  lastMillis: 0,
  settledCpuMillis: 1,
  usedHeapBytes: 2,
  externalBytes: 3,
} as const;

/** Garbage collections since the last look. Implemented in native/gc_watch.cc. */
export interface GcWindow {
  /**
   * Five numbers a pause: kind (into GC_KINDS), begin on the monotonic clock and duration in
   * nanoseconds, bytes of V8's heap before and after.
   */
  readonly pauses: Float64Array;
  /** Three numbers for each kind: count, nanoseconds together, nanoseconds of the longest. */
  readonly totals: Float64Array;
  /** Pauses that the list had no room for; the totals have them. */
  readonly unlisted: number;
  /** When the last full collection began, on the monotonic clock; 0 if there was none. */
  readonly settledNanos: number;
}

/** The kinds of collections, in the order of `GcKind` in native/gc_watch.h. */
export const GC_KINDS = [
  'scavenge',
  'minorMarkSweep',
  'markSweep',
  'incrementalMarking',
  'weakCallbacks',
] as const;

/** Scopes that `scopesHold` takes at once; `kBatchIds` in native/weak_scopes.h. */
export const SCOPES_BATCH = 64;

/** `cpuStart` results, in the order of `CpuStart` in native/cpu_sampler.h. */
export const CPU_START = { started: 0, foreignProfiler: 1, failed: 2 } as const;
/** `heapStart` results, in the order of `HeapStart` in native/heap_sampler.h. */
export const HEAP_START = { labelled: 0, unlabelled: 1, busy: 2 } as const;

/** What `flush` of `terminationStart` may answer, in the order of `Answer` in native/termination.cc. */
export const TERMINATION = {
  /** The signal is dealt with. */
  swallow: 0,
  /** It does what it would have done without us. */
  passOn: 1,
  /** The application has a listener by now: it gets the signal. */
  deliver: 2,
} as const;

/** The addon's exports; one instance of everything per thread. All times are in nanoseconds. */
export interface Addon {
  // native/slot.cc
  slotArray(): Int32Array;
  readScope(): number;
  useFrameOf(storage: AsyncLocalStorage<unknown>): void;
  useShared(): void;
  // native/weak_scopes.cc
  /**
   * Holds scopes weakly, by their ids, which follow one another; the first is a multiple of
   * SCOPES_BATCH. Returns how many of the oldest had to go for them.
   */
  scopesHold(firstId: number, ...scopes: readonly (object | undefined)[]): number;
  scopesFind(id: number): object | undefined;
  /** Lets go of scopes that were kept alive because a sample had seen them when a collection began. */
  scopesUnpin(): void;
  scopesSweep(): void;
  scopesClear(): void;
  /** How many are held, alive or not yet known to be dead; looks at each. */
  scopesHeld(): number;
  // native/clocks.h, native/thread_clocks.cc
  threadCpuNanos(): number;
  processCpuNanos(): number;
  /** CPU time of all JavaScript threads of the process that loaded the addon, ended ones included. */
  jsThreadsCpuNanos(): number;
  monotonicNanos(): number;
  // native/cpu_sampler.cc
  cpuStart(intervalMicros: number, tickCapacity: number): number;
  cpuCollect(goOn: boolean): CpuCollection | undefined;
  /** Undefined: none since the last call; so the others below. */
  cpuSeenScopes(): readonly number[] | undefined;
  cpuRuns(): boolean;
  /** Scope of every signal since the last call, one by one; those outside of scopes left out. */
  cpuSampledScopes(): readonly number[] | undefined;
  cpuStop(): void;
  // native/heap_sampler.cc
  /**
   * `intervalBytes` must be odd for labels (native/heap_observer.h says why). `allocsPerSecond`: 0
   * records no allocations (native/alloc_throttle.h).
   */
  heapStart(
    intervalBytes: number,
    stackDepth: number,
    labels: boolean,
    allocsPerSecond: number,
  ): number;
  heapCollect(): LiveColumns | undefined;
  /** Stacks come with the CPU windows collected since the last call. Undefined if not recording. */
  heapAllocs(): AllocWindow | undefined;
  heapSeenScopes(): readonly number[] | undefined;
  heapStop(): void;
  /**
   * Three numbers for every scope with a live sample: scope, bytes that a collection has proven
   * alive, and bytes that none has (native/survivors.h). Collections are seen between `meterStart`
   * and `meterStop`.
   */
  heapLiveBytes(): Float64Array;
  // native/switcher.cc
  billTable(rows: number): BillMemory;
  /** `originNanos`: the monotonic clock at `performance.now()` 0. */
  switcherStart(originNanos: number): void;
  switcherStop(): void;
  switcherWake(): void;
  switcherSettle(segmentRow: number, segmentMillis: number): void;
  /** Brings the rows up to date. */
  switcherSync(): void;
  switcherFinishTurn(): void;
  /** After `switcherStart`: count allocated bytes too, until it stops. */
  switcherCountBytes(on: boolean): void;
  /** To be called before every change of the row then. */
  switcherBookBytes(): void;
  // native/meter.cc
  meterStart(): void;
  meterStop(): void;
  /** Writes `usedHeapBytes` and `externalBytes`. */
  meterReadMemory(): void;
  /**
   * What happened since the last call, three numbers each: scope, bytes, 0 for a sampled allocation;
   * -1, CPU milliseconds, used bytes before for a garbage collection.
   */
  meterEvents(): readonly number[] | undefined;
  // native/gc_watch.cc
  gcStart(): void;
  gcStop(): void;
  /** Has V8 begin a full collection soon, the way it does by itself; nothing if it does already. */
  gcBeginMarking(): void;
  /** Undefined if not started. */
  gcTake(): GcWindow | undefined;
  /** The present moment, for `peakHeapBytesSince`. */
  heapMark(): number;
  /** Most bytes that V8's heap of this thread has held since a moment; needs `gcStart`. */
  peakHeapBytesSince(mark: number): number;
  // native/heap_limit.cc
  /** `onNear` is called at most once, when V8's heap is nearly full, with a little room left. */
  heapLimitStart(onNear: () => void): void;
  heapLimitStop(): void;
  // native/malloc_info.cc
  /** What the C library's allocator has handed out and what it keeps; undefined where it does not tell. */
  mallocBytes(): { readonly used: number; readonly free: number } | undefined;
  // native/termination.cc
  terminationStart(flush: (signal: number) => number, flushCapMillis: number): boolean;
  terminationArm(signal: number): void;
  terminationStop(): void;
}

const require = createRequire(import.meta.url);

function candidates(): string[] {
  const target = `${process.platform}-${process.arch}`;
  return [
    `prebuilds/${target}/spanprof.abi${process.versions.modules}.glibc.node`,
    'build/Release/spanprof.node',
  ].map((file) => fileURLToPath(packageFile(file)));
}

function load(): { addon: Addon | undefined; problem: string | undefined } {
  let problem = 'no binary for this platform';
  for (const file of candidates()) {
    if (!existsSync(file)) continue;
    try {
      return { addon: require(file) as Addon, problem: undefined };
    } catch (error) {
      problem =
        (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? problem;
    }
  }
  return { addon: undefined, problem };
}

const loaded = load();

/** The addon, or undefined where it cannot load. */
export const addon: Addon | undefined = loaded.addon;
/** Why `addon` is undefined: one line. */
export const addonProblem: string | undefined = loaded.problem;
