/**
 * Exact CPU time: at every change of the running bill the time since the last change is booked.
 * Native code ends turns and settles what was booked (native/switcher.h).
 */
import type { AsyncLocalStorage } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';
import {
  type Addon,
  type BillMemory,
  NUMBERS_PER_ROW,
  ROW_NUMBER,
  SWITCHER_NUMBER,
  SWITCHER_WORD,
} from '../native.ts';
import { NANOS_PER_MILLI } from '../units.ts';
import { payerOf } from './bill.ts';
import type { HookCost } from './governor.ts';
import type { Scope } from './scope.ts';
import type { Slot } from './slot.ts';

/** Bound once: test frameworks replace the clocks of the application, not ours. */
const nowMillis = performance.now.bind(performance);

/**
 * A piece this long is settled by itself: the kernel may have run another thread in it, and the next
 * ones must not pay for that.
 */
const LONG_MILLIS = 1;
/** As in native/switcher.cc. */
const GAP_MILLIS = 0.02;
const TINY_MILLIS = 1e-12;
/** So many callbacks and awaits are some 2 ms of our time: often enough to look at what it costs. */
const LOOKS_BETWEEN_CHECKS = 1 << 15;

const CALLS_PER_BATCH = 256;
/** What a hook costs beside its function; where async_hooks run, labels pay for them already. */
const HOOK_NANOS = 20;
/** The rest of a switch beside reading the clock. */
const BOOKING_NANOS = 10;
/** The call to native code, and now and then V8's statistics. */
const COUNTING_NANOS = 150;

interface Switch {
  /** A callback or an await begins: the bill of its scope runs from here on. */
  readonly look: () => void;
  /** `scope` is entered, or come back to, in the middle of synchronous code. */
  readonly enter: (scope: Scope | undefined) => void;
}

/** The hot path. `look` runs at every callback and every await of the program while bills are open. */
function createSwitch(
  { words, numbers, rows, touched }: BillMemory,
  storage: AsyncLocalStorage<Scope | undefined>,
  addon: Addon,
  countsBytes: boolean,
  onManyLooks: () => void,
): Switch {
  const { row: ROW, touched: TOUCHED, inTurn: IN_TURN } = SWITCHER_WORD;
  const { switches: SWITCHES, looks: LOOKS } = SWITCHER_WORD;
  const { lastMillis: LAST } = SWITCHER_NUMBER;
  const { pending: PENDING } = ROW_NUMBER;
  const at = (array: Int32Array | Float64Array, index: number): number => array[index] ?? 0;

  const switchTo = (row: number): void => {
    if (countsBytes) addon.switcherBookBytes();
    const now = nowMillis();
    const from = at(words, ROW);
    const elapsed = now - at(numbers, LAST);
    numbers[LAST] = now;
    words[ROW] = row;
    words[SWITCHES] = at(words, SWITCHES) + 1;
    if (from !== 0) {
      const place = from * NUMBERS_PER_ROW + PENDING;
      const pending = at(rows, place);
      if (pending === 0) {
        const count = at(words, TOUCHED);
        touched[count] = from;
        words[TOUCHED] = count + 1;
      }
      rows[place] = pending + elapsed + TINY_MILLIS;
      if (elapsed > LONG_MILLIS) addon.switcherSettle(from, elapsed);
    } else if (at(words, IN_TURN) !== 0) {
      if (elapsed > LONG_MILLIS) addon.switcherSettle(0, 0);
    } else if (elapsed > GAP_MILLIS) {
      numbers[LAST] = now - elapsed;
      addon.switcherWake();
      numbers[LAST] = nowMillis();
    }
  };

  const enter = (scope: Scope | undefined): void => {
    const row = scope === undefined ? 0 : payerOf(scope.bill).row;
    if (row !== words[ROW]) switchTo(row);
  };

  const look = (): void => {
    const looks = at(words, LOOKS) + 1;
    words[LOOKS] = looks;
    const scope = storage.getStore();
    const row = scope === undefined ? 0 : scope.bill.row;
    if (row !== words[ROW]) enter(scope);
    if (looks % LOOKS_BETWEEN_CHECKS === 0) onManyLooks();
  };

  return { look, enter };
}

export class Switcher {
  readonly #addon: Addon;
  readonly #slot: Slot;
  readonly #switch: Switch;
  readonly #storage: AsyncLocalStorage<Scope | undefined>;
  readonly #setEnter: (enter: Switch['enter'] | undefined) => void;
  readonly #countsBytes: boolean;
  #isOn = false;

  constructor(options: {
    addon: Addon;
    slot: Slot;
    memory: BillMemory;
    storage: AsyncLocalStorage<Scope | undefined>;
    /** Called with what is to be called whenever a scope is entered synchronously. */
    setEnter: (enter: Switch['enter'] | undefined) => void;
    /** Allocated bytes too, at a call to native code for every switch. */
    countsBytes: boolean;
    /** Called now and then in the middle of the application's work, when it awaits a lot. */
    onManyLooks: () => void;
  }) {
    const { addon, slot, memory, storage } = options;
    this.#addon = addon;
    this.#slot = slot;
    this.#storage = storage;
    this.#setEnter = options.setEnter;
    this.#switch = createSwitch(memory, storage, addon, options.countsBytes, options.onManyLooks);
    this.#countsBytes = options.countsBytes;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** What a look and a switch cost here, by trying; to be called while off. */
  measureCost(): HookCost {
    const { look } = this.#switch;
    const perCallNanos = (call: () => unknown): number => {
      let least = Number.POSITIVE_INFINITY;
      for (let batch = 0; batch < 16; batch++) {
        const begin = nowMillis();
        for (let i = 0; i < CALLS_PER_BATCH; i++) call();
        least = Math.min(least, nowMillis() - begin);
      }
      return (least / CALLS_PER_BATCH) * NANOS_PER_MILLI;
    };
    return {
      lookNanos: perCallNanos(look) + HOOK_NANOS,
      switchNanos:
        perCallNanos(nowMillis) + BOOKING_NANOS + (this.#countsBytes ? COUNTING_NANOS : 0),
    };
  }

  on(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#addon.switcherStart(originNanos(this.#addon));
    if (this.#countsBytes) this.#addon.switcherCountBytes(true);
    this.#slot.observe(this.#switch.look);
    this.#setEnter(this.#switch.enter);
    this.#switch.enter(this.#storage.getStore());
  }

  off(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    this.#setEnter(undefined);
    this.#slot.observe(undefined);
    this.#addon.switcherStop();
  }
}

/** The monotonic clock at `performance.now()` 0, to some ten nanoseconds. */
function originNanos(addon: Addon): number {
  let closest = Number.POSITIVE_INFINITY;
  let origin = 0;
  for (let round = 0; round < 16; round++) {
    const before = addon.monotonicNanos();
    const now = nowMillis();
    const after = addon.monotonicNanos();
    if (after - before >= closest) continue;
    closest = after - before;
    origin = (before + after) / 2 - now * NANOS_PER_MILLI;
  }
  return origin;
}
