/**
 * Opens and closes bills, and reads them. A bill goes through these states:
 *
 *   open    has a row; spans and invocations until they are closed, runs until what they are in ends
 *   ended   closed, but keeps its row for LATE_MILLIS: work that goes on is still charged to it
 *   done    gave its row back; what still runs is charged to LATE
 *   folded  gave its row back because there were too many: what still runs is charged to its parent
 */
import type { AsyncLocalStorage } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';
import { type Addon, SWITCHER_NUMBER } from '../native.ts';
import { NANOS_PER_MILLI } from '../units.ts';
import { Accounts, type AccountsReport, type Entry, selfOf } from './accounts.ts';
import { Bill, type BillKind, BillList, FOLDED, LATE, NOBODY, payerOf } from './bill.ts';
import { CpuSamples } from './cpu-samples.ts';
import { Governor, type GovernorStatus, type HookCost } from './governor.ts';
import { HeapEvents } from './heap-events.ts';
import { HeapPeaks } from './heap-peaks.ts';
import { LiveBytes } from './live-bytes.ts';
import type { Scope } from './scope.ts';
import type { Slot } from './slot.ts';
import { type ProcessFigures, statementOf, totalsOf } from './statement.ts';
import { Switcher } from './switcher.ts';
import {
  BillTable,
  LATE_ROW,
  MAX_ENDED_BILLS,
  MAX_OPEN_BILLS,
  NOBODYS_ROW,
  type RowFigures,
} from './table.ts';
import type { TokenCounts, Totals, Usage } from './usage.ts';

/** Long enough for the callbacks of a finished request; short, because everything is measured meanwhile. */
const LATE_MILLIS = 2_000;
/** Also how late the hooks go after the last bill. */
const UPKEEP_MILLIS = 500;

/** Rows of ended bills are given back together: what comes before is the same for one as for all. */
const ENDED_BATCH = 32;

/** V8 takes 0.3 µs to say how much memory it uses. */
const MEMORY_MILLIS = 1;

const nowMillis = performance.now.bind(performance);

/** Makes of a bill what its reader wants to see. */
type State<Stated> = (bill: Bill, row: RowFigures, process: ProcessFigures) => Stated;

export interface LedgerOptions {
  readonly addon: Addon;
  readonly slot: Slot;
  readonly storage: AsyncLocalStorage<Scope | undefined>;
  readonly setEnter: (enter: ((scope: Scope | undefined) => void) | undefined) => void;
  readonly scopeOf: (scopeId: number) => Scope | undefined;
  /** Mean distance of labelled heap samples; undefined if there are none. */
  readonly heapIntervalBytes: () => number | undefined;
  /** `exact` unless that costs too much, `sampled` always, or not at all. */
  readonly cpu: 'exact' | 'sampled' | 'off';
  readonly countsBytes: boolean;
  readonly budgetPercent: number;
  readonly maxLooksPerSecond: number;
  /** Distance of the CPU sampler's signals; undefined if it does not run. */
  readonly cpuPeriodMillis: () => number | undefined;
  /** Calls a function outside of whatever the application is doing. */
  readonly outside: (fn: () => void) => void;
}

export interface LedgerStatus extends GovernorStatus {
  /** Of CPU time at this moment; `idle` while no bill is open, which costs nothing. */
  readonly method: 'exact' | 'sampled' | 'idle';
  readonly open: number;
  readonly opened: number;
  /** Bills that went into their parents because too many were open. */
  readonly folded: number;
}

export class Ledger {
  readonly #options: LedgerOptions;
  readonly #table: BillTable<Bill>;
  readonly #switcher: Switcher;
  readonly #peaks = new HeapPeaks();
  readonly #heapEvents: HeapEvents;
  readonly #cpuSamples: CpuSamples;
  readonly #liveBytes: LiveBytes;
  readonly #governor: Governor;
  readonly #accounts = new Accounts();
  readonly #outermost = new BillList();
  readonly #inner = new BillList();
  readonly #ended = new BillList();
  /** Spans and invocations that are open. */
  #closable = 0;
  #opened = 0;
  #folded = 0;
  #timer: NodeJS.Timeout | undefined;
  #isMetering = false;
  #memoryReadMillis = Number.NEGATIVE_INFINITY;
  #hookCost: HookCost | undefined;
  #meteringSinceCpuNanos = 0;
  #meteredCpuMillis = 0;

  constructor(options: LedgerOptions) {
    this.#options = options;
    const { addon, slot, storage, setEnter } = options;
    const billOf = (id: number) => options.scopeOf(id)?.bill ?? this.#table.ownerOf(id);
    this.#table = new BillTable(addon);
    // Shared by all sessions of the thread: what an earlier one charged to them is not ours.
    for (const bill of [NOBODY, LATE]) bill.self = bill.inclusive = undefined;
    const { memory } = this.#table;
    this.#switcher = new Switcher({
      ...{ addon, slot, memory, storage, setEnter },
      countsBytes: options.countsBytes,
      onManyLooks: () => this.#mindTheCost(),
    });
    this.#heapEvents = new HeapEvents({
      ...{ addon, memory, billOf, peaks: this.#peaks },
      intervalBytes: options.heapIntervalBytes,
      openBills: () => this.#outermost.size,
    });
    this.#cpuSamples = new CpuSamples(addon, () => options.cpuPeriodMillis() ?? 0, billOf);
    this.#liveBytes = new LiveBytes(addon, billOf);
    this.#governor = new Governor({ ...options, memory });
  }

  // ---- open and close ------------------------------------------------------------------------------

  /** Gives a new scope its bill. */
  open(scope: Scope, parentScope: Scope | undefined, kind: BillKind): void {
    const payer = parentScope === undefined ? NOBODY : payerOf(parentScope.bill);
    if (kind === 'run' && (payer === NOBODY || payer === LATE)) {
      scope.bill = payer;
      return;
    }
    if (!this.#isMetering) this.#begin();
    if (this.#outermost.size + this.#inner.size >= MAX_OPEN_BILLS) this.#foldOldest();
    // Not `payer`: folding may just have taken its row.
    const payerNow = payerOf(payer);
    const parent = payerNow === NOBODY || payerNow === LATE ? undefined : payerNow;
    if (parent === undefined && kind === 'run') {
      scope.bill = payerNow;
      return;
    }
    const now = nowMillis();
    const bill = new Bill(LATE_ROW, kind, scope.labels, parent, now);
    bill.row = this.#table.take(bill, scope.id, parent?.row ?? NOBODYS_ROW);
    bill.owner = this;
    this.#noteProcess(bill);
    bill.fallbacksBefore = this.#governor.fallbacks;
    bill.isSampled = !this.#switcher.isOn;
    scope.bill = bill;
    this.#opened++;
    if (kind === 'invocation') this.#accounts.addInvocation(scope.labels);
    if (parent === undefined) {
      this.#outermost.add(bill);
    } else {
      parent.addChild(bill);
      this.#inner.add(bill);
    }
    if (kind === 'run') return;
    this.#closable++;
    if (parent === undefined) return;
    bill.countsIn = parent;
    if (parent.openInside++ === 0) parent.insideSinceMillis = now;
  }

  /**
   * Ends the bill of a `span` or an `invocation` and returns it; later calls return what it has come to
   * with the work that went on. Undefined if the scope has no such bill.
   */
  close(scope: Scope): Usage | undefined {
    return this.#close(scope, statementOf);
  }

  /** The same for spans, which come by the thousand and state less. */
  closeSpan(scope: Scope): Totals | undefined {
    return this.#close(scope, totalsOf);
  }

  #close<Stated>({ bill }: Scope, state: State<Stated>): Stated | undefined {
    if (bill.kind === 'run') return undefined;
    if (bill.endedMillis !== undefined || bill.owner !== this) return this.#read(bill, state);
    const now = nowMillis();
    bill.endedMillis = now;
    const stated = this.#read(bill, state);
    this.#closable--;
    const { countsIn } = bill;
    if (countsIn !== undefined && --countsIn.openInside === 0) {
      countsIn.insideMillis += now - countsIn.insideSinceMillis;
    }
    if (bill.list !== undefined) {
      bill.list.remove(bill);
      this.#ended.add(bill);
      if (this.#ended.size === MAX_ENDED_BILLS) this.#finishEnded(ENDED_BATCH);
    }
    return stated;
  }

  /** The bill so far, late work included; undefined for what nobody pays. */
  usageOf(bill: Bill): Usage | undefined {
    const payer = bill.final === undefined ? payerOf(bill) : bill;
    return payer === NOBODY || payer === LATE ? undefined : this.#read(payer, statementOf);
  }

  /** Adds to the accounts of the scope's agent, tool and session. */
  addTokens(scope: Scope, tokens: TokenCounts): void {
    this.#accounts.addTokens(scope.labels, tokens);
  }

  /** Everything sampled up to now goes to its bill. */
  #share(): void {
    this.#heapEvents.share();
    if (this.#isMetering && !this.#switcher.isOn && this.#options.cpu !== 'off') {
      this.#cpuSamples.share();
    }
  }

  /** Rows and samples up to now. */
  #sync(): void {
    this.#share();
    this.#table.sync();
  }

  /** Into the table's numbers; what is a millisecond old is good enough. */
  #readMemory(now: number): void {
    if (now - this.#memoryReadMillis < MEMORY_MILLIS) return;
    this.#memoryReadMillis = now;
    this.#options.addon.meterReadMemory();
  }

  #noteFallback(bill: Bill): void {
    if (this.#governor.fallbacks !== bill.fallbacksBefore) bill.isSampled = true;
  }

  #noteProcess(bill: Bill): void {
    this.#readMemory(bill.openedMillis);
    const { numbers } = this.#table.memory;
    bill.usedHeapBytes = numbers[SWITCHER_NUMBER.usedHeapBytes] ?? 0;
    bill.externalBytes = numbers[SWITCHER_NUMBER.externalBytes] ?? 0;
    this.#heapEvents.share();
    bill.collections = this.#peaks.collections;
  }

  #read<Stated>(bill: Bill, state: State<Stated>): Stated {
    this.#sync();
    const now = nowMillis();
    const intervalBytes = this.#options.heapIntervalBytes();
    if (intervalBytes !== undefined && isLarge(bill, intervalBytes))
      this.#liveBytes.look(intervalBytes, this.#peaks.collections, true);
    this.#noteFallback(bill);
    const { numbers } = this.#table.memory;
    this.#readMemory(now);
    const used = numbers[SWITCHER_NUMBER.usedHeapBytes] ?? 0;
    const peak = this.#peaks.since(bill.collections);
    const isPeakPast = peak !== undefined && peak.usedBytes > used;
    return state(bill, bill.final ?? this.#table.read(bill.row), {
      nowMillis: now,
      peakHeapBytes: Math.max(bill.usedHeapBytes, isPeakPast ? peak.usedBytes : used),
      openAtPeak: isPeakPast ? peak.openBills : Math.max(1, this.#outermost.size),
      externalBytes: numbers[SWITCHER_NUMBER.externalBytes] ?? 0,
      heapIntervalBytes: intervalBytes,
      cpuPeriodMillis: this.#options.cpuPeriodMillis(),
      countsBytes: this.#options.countsBytes,
    });
  }

  // ---- rows given back -------------------------------------------------------------------------------

  /** Room for one more: of bills inside of others the oldest, else the oldest of all. */
  #foldOldest(): void {
    const oldest = this.#inner.oldest ?? this.#outermost.oldest;
    if (oldest === undefined) return;
    this.#folded++;
    this.#sync();
    this.#finish(oldest, FOLDED);
  }

  /** At most `count` of those that ended up to `untilMillis`, the oldest first. */
  #finishEnded(count: number, untilMillis = Number.POSITIVE_INFINITY): void {
    for (let finished = 0; finished < count; finished++) {
      const { oldest } = this.#ended;
      if (oldest === undefined || (oldest.endedMillis ?? 0) > untilMillis) return;
      if (finished === 0) this.#sync();
      this.#finish(oldest, LATE_ROW);
    }
  }

  /** After `#sync`. Takes the bill's row; whatever of it still runs is charged as `successor` says. */
  #finish(bill: Bill, successor: typeof FOLDED | typeof LATE_ROW): void {
    for (let child = bill.firstChild; child !== undefined; child = bill.firstChild) {
      if (child.kind === 'run' && successor === LATE_ROW) {
        while (child.firstChild !== undefined) this.#move(child.firstChild, bill);
        this.#giveRow(child, LATE_ROW);
      } else {
        this.#move(child, bill.parent);
      }
    }
    this.#giveRow(bill, successor);
  }

  #giveRow(bill: Bill, successor: number): void {
    bill.final = this.#table.read(bill.row);
    this.#accounts.addWork(bill.labels, this.#selfOf(bill, bill.final));
    bill.parent?.removeChild(bill);
    bill.list?.remove(bill);
    this.#table.give(
      bill.row,
      successor === FOLDED ? payerOf(bill.parent ?? NOBODY).row : LATE_ROW,
    );
    bill.row = successor;
    if (successor !== LATE_ROW) return;
    // A scope may be held for long: it must not hold whole families of bills.
    bill.parent = bill.countsIn = undefined;
  }

  #selfOf(bill: Bill, row: RowFigures): Entry {
    if (bill.row > LATE_ROW) this.#noteFallback(bill);
    return selfOf(bill, row, this.#options.countsBytes);
  }

  #move(child: Bill, parent: Bill | undefined): void {
    child.parent?.removeChild(child);
    const wasOpen = child.list === this.#inner;
    if (parent === undefined) {
      child.parent = undefined;
      if (wasOpen) {
        this.#inner.remove(child);
        this.#outermost.add(child);
      }
    } else {
      parent.addChild(child);
    }
    this.#table.setParent(child.row, parent?.row ?? 0);
  }

  // ---- begin and end of metering -------------------------------------------------------------------

  #begin(): void {
    this.#isMetering = true;
    const { addon, outside } = this.#options;
    this.#meteringSinceCpuNanos = addon.threadCpuNanos();
    addon.meterStart();
    if (this.#options.cpu === 'exact') this.#switchOn();
    else this.#cpuSamples.forget();
    outside(() => {
      this.#timer = setInterval(() => this.#upkeep(), UPKEEP_MILLIS).unref();
    });
  }

  #switchOn(): void {
    this.#options.outside(() => {
      this.#hookCost ??= this.#switcher.measureCost();
    });
    this.#switcher.on();
    if (this.#hookCost !== undefined) this.#governor.begin(this.#hookCost);
  }

  /** Exact CPU time is given up when it costs too much. */
  #mindTheCost(): void {
    if (!this.#switcher.isOn || !this.#governor.isTooDear()) return;
    this.#switcher.off();
    this.#cpuSamples.forget();
  }

  #upkeep(): void {
    this.#share();
    const intervalBytes = this.#options.heapIntervalBytes();
    if (intervalBytes !== undefined) {
      this.#liveBytes.look(intervalBytes, this.#peaks.collections);
    }
    this.#mindTheCost();
    if (this.#options.cpu === 'exact' && !this.#switcher.isOn && this.#governor.mayReturn()) {
      this.#switchOn();
    }
    this.#finishEnded(MAX_ENDED_BILLS, nowMillis() - LATE_MILLIS);
    if (this.#closable === 0 && this.#ended.size === 0) this.#end();
  }

  /** Nothing is billed any more: nothing is measured any more. */
  #end(): void {
    if (!this.#isMetering) return;
    this.#isMetering = false;
    clearInterval(this.#timer);
    const { addon } = this.#options;
    this.#switcher.off();
    addon.meterStop();
    this.#meteredCpuMillis += this.#meteringCpuMillis();
  }

  #meteringCpuMillis(): number {
    return (this.#options.addon.threadCpuNanos() - this.#meteringSinceCpuNanos) / NANOS_PER_MILLI;
  }

  /** Gives every row back; bills that are open keep what they have come to. */
  stop(): void {
    this.#sync();
    for (const list of [this.#inner, this.#outermost, this.#ended]) {
      for (let bill = list.oldest; bill !== undefined; bill = list.oldest) {
        this.#finish(bill, LATE_ROW);
      }
    }
    this.#closable = 0;
    this.#end();
  }

  // ---- totals ------------------------------------------------------------------------------------------

  accounts(): AccountsReport {
    this.#sync();
    const accounts = this.#accounts.copy();
    for (const list of [this.#outermost, this.#inner, this.#ended]) {
      for (let bill = list.oldest; bill !== undefined; bill = bill.newer) {
        accounts.addWork(bill.labels, this.#selfOf(bill, this.#table.read(bill.row)));
      }
    }
    const threadCpuMillis =
      this.#meteredCpuMillis + (this.#isMetering ? this.#meteringCpuMillis() : 0);
    return accounts.report({
      threadCpuMillis,
      gcMillis: this.#heapEvents.gcMillis,
      late: this.#selfOf(LATE, this.#table.read(LATE_ROW)),
      nobody: selfOf(NOBODY, undefined),
    });
  }

  /** Bills so far of the invocations that are open, the oldest first, at most `limit`. */
  openInvocations(limit: number): Usage[] {
    const usages: Usage[] = [];
    for (const list of [this.#outermost, this.#inner]) {
      for (let bill = list.oldest; bill !== undefined; bill = bill.newer) {
        if (bill.kind !== 'invocation') continue;
        if (usages.length >= limit) return usages;
        usages.push(this.#read(bill, statementOf));
      }
    }
    return usages;
  }

  status(): LedgerStatus {
    return {
      method: this.#isMetering ? (this.#switcher.isOn ? 'exact' : 'sampled') : 'idle',
      ...this.#governor.status(),
      open: this.#outermost.size + this.#inner.size,
      opened: this.#opened,
      folded: this.#folded,
    };
  }
}

/** Enough was allocated in it that a look at what is alive says something. */
function isLarge(bill: Bill, intervalBytes: number): boolean {
  return bill.final === undefined && (bill.inclusive?.allocatedBytes ?? 0) > 16 * intervalBytes;
}
