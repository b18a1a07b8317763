/** Garbage collection of this thread: every pause, and totals by kind (native/gc_watch.cc). */
import { type Addon, GC_KINDS } from '../native.ts';
import { type Bytes, bytes, type Microseconds, microseconds, NANOS_PER_MICRO } from '../units.ts';

export type GcKind = (typeof GC_KINDS)[number];

/** One collection that stopped this thread. */
export interface GcPause {
  readonly kind: GcKind;
  /** When it began, on the monotonic clock of `process.hrtime()`. */
  readonly beginMicros: Microseconds;
  readonly durationMicros: Microseconds;
  /** V8's heap in use. */
  readonly beforeBytes: Bytes;
  readonly afterBytes: Bytes;
}

/** All collections of one kind. */
export interface GcTotal {
  readonly count: number;
  readonly pauseMicros: Microseconds;
  readonly longestMicros: Microseconds;
}

export type GcTotals = Readonly<Partial<Record<GcKind, GcTotal>>>;

/** Part of `status()`. */
export interface GcStatus {
  /** Since start. */
  readonly total: GcTotals;
  /** Of the last completed window. */
  readonly window: GcTotals;
  /** The latest pauses of that window, oldest first: at most 32. */
  readonly pauses: readonly GcPause[];
}

const PAUSE_FIELDS = 5;
const TOTAL_FIELDS = 3;
/** Enough to see what happened; a caller who wants all of them reads each window. */
const MAX_PAUSES = 32;

const NONE: GcTotal = { count: 0, pauseMicros: microseconds(0), longestMicros: microseconds(0) };

export class GcMonitor {
  readonly #addon: Addon;
  #total: GcTotals = {};
  #window: GcTotals = {};
  #pauses: readonly GcPause[] = [];
  #settledNanos: number | undefined;

  constructor(addon: Addon) {
    this.#addon = addon;
  }

  start(): void {
    this.#addon.gcStart();
  }

  /** Ends the window. */
  collect(): void {
    const collected = this.#addon.gcTake();
    if (collected === undefined) return;
    this.#window = totalsOf(collected.totals);
    this.#total = sum(this.#total, this.#window);
    this.#pauses = pausesOf(collected.pauses);
    this.#settledNanos = collected.settledNanos === 0 ? undefined : collected.settledNanos;
  }

  /** When the last full collection began, on the monotonic clock; undefined if there was none. */
  get settledNanos(): number | undefined {
    return this.#settledNanos;
  }

  /** Has V8 begin a full collection soon. */
  beginMarking(): void {
    this.#addon.gcBeginMarking();
  }

  stop(): void {
    this.#addon.gcStop();
  }

  status(): GcStatus {
    return { total: this.#total, window: this.#window, pauses: this.#pauses };
  }
}

function totalsOf(columns: Float64Array): GcTotals {
  const totals: Partial<Record<GcKind, GcTotal>> = {};
  for (const [index, kind] of GC_KINDS.entries()) {
    const [count = 0, nanos, longestNanos] = columns.subarray(index * TOTAL_FIELDS);
    if (count === 0) continue;
    totals[kind] = { count, pauseMicros: micros(nanos), longestMicros: micros(longestNanos) };
  }
  return totals;
}

function pausesOf(columns: Float64Array): GcPause[] {
  const pauses: GcPause[] = [];
  const first = Math.max(0, columns.length - MAX_PAUSES * PAUSE_FIELDS);
  for (let at = first; at < columns.length; at += PAUSE_FIELDS) {
    const [kind = 0, beginNanos, durationNanos, before = 0, after = 0] = columns.subarray(at);
    pauses.push({
      kind: GC_KINDS[kind] ?? 'weakCallbacks',
      beginMicros: micros(beginNanos),
      durationMicros: micros(durationNanos),
      beforeBytes: bytes(before),
      afterBytes: bytes(after),
    });
  }
  return pauses;
}

function sum(a: GcTotals, b: GcTotals): GcTotals {
  const both: Partial<Record<GcKind, GcTotal>> = {};
  for (const kind of GC_KINDS) {
    const first = a[kind] ?? NONE;
    const second = b[kind] ?? NONE;
    if (first.count + second.count === 0) continue;
    both[kind] = {
      count: first.count + second.count,
      pauseMicros: microseconds(first.pauseMicros + second.pauseMicros),
      longestMicros: microseconds(Math.max(first.longestMicros, second.longestMicros)),
    };
  }
  return both;
}

const micros = (nanos = 0): Microseconds => microseconds(Math.round(nanos / NANOS_PER_MICRO));
