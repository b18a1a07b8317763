/** A bill: who pays, and for what. Its running figures are in a row of the table (table.ts). */
import type { Labels } from '../profile/model.ts';
import { LATE_ROW, NOBODYS_ROW, type RowFigures } from './table.ts';

/** Instead of a row: the parent pays from here on. */
export const FOLDED = -1;

/** `run`: part of what it was opened in, ends with it. The others end when they are closed. */
export type BillKind = 'run' | 'span' | 'invocation';

/** What is known from samples only. */
export class Estimates {
  allocatedBytes = 0;
  allocatedVariance = 0;
  gcMillis = 0;
  sampledCpuMillis = 0;
  sampledCpuVariance = 0;
  /** Of the last look: what collections have left, and what none has proven alive. */
  provenBytes = 0;
  unprovenBytes = 0;
  peakLiveBytes = 0;
  peakLiveVariance = 0;
}

/**
 * A scope knows its bill, the bill not its scope: while it waits for late work the garbage collector has
 * the scope, with all that hangs on it, as soon as nothing can run in it.
 */
export class Bill {
  /** The ledger that opened it: scopes, and with them bills, outlive sessions. */
  owner: object | undefined;
  /** In the table; `FOLDED` or `LATE_ROW` when the bill has none of its own any more. */
  row: number;
  labels: Labels;
  readonly kind: BillKind;
  /** The bill that includes this one. */
  parent: Bill | undefined;
  readonly openedMillis: number;
  endedMillis: number | undefined;
  /** Figures of the row when it was given back. */
  final: RowFigures | undefined;
  /** Undefined until a sample falls into it. */
  self: Estimates | undefined;
  inclusive: Estimates | undefined;
  /** The process when the bill was opened. */
  externalBytes = 0;
  usedHeapBytes = 0;
  collections = 0;
  /** Time in which spans or invocations directly inside were open. */
  insideMillis = 0;
  openInside = 0;
  insideSinceMillis = 0;
  /** Part of its time CPU was estimated from samples. */
  isSampled = false;
  fallbacksBefore = 0;

  /** Whose `openInside` it counts in. */
  countsIn: Bill | undefined;

  /** Bills directly inside that have a row. */
  firstChild: Bill | undefined;
  nextSibling: Bill | undefined;
  previousSibling: Bill | undefined;
  /** The list it is in, and its neighbours there. */
  list: BillList | undefined;
  newer: Bill | undefined;
  older: Bill | undefined;

  constructor(
    row: number,
    kind: BillKind,
    labels: Labels,
    parent: Bill | undefined,
    openedMillis: number,
  ) {
    this.row = row;
    this.kind = kind;
    this.labels = labels;
    this.parent = parent;
    this.openedMillis = openedMillis;
  }

  addChild(child: Bill): void {
    child.parent = this;
    child.previousSibling = undefined;
    child.nextSibling = this.firstChild;
    if (this.firstChild !== undefined) this.firstChild.previousSibling = child;
    this.firstChild = child;
  }

  removeChild(child: Bill): void {
    const { previousSibling, nextSibling } = child;
    if (previousSibling === undefined) this.firstChild = nextSibling;
    else previousSibling.nextSibling = nextSibling;
    if (nextSibling !== undefined) nextSibling.previousSibling = previousSibling;
    child.previousSibling = child.nextSibling = undefined;
  }
}

/** Bills in order of opening or of ending, oldest first. A bill is in one list at a time. */
export class BillList {
  oldest: Bill | undefined;
  #newest: Bill | undefined;
  size = 0;

  add(bill: Bill): void {
    bill.list = this;
    bill.older = this.#newest;
    bill.newer = undefined;
    if (this.#newest === undefined) this.oldest = bill;
    else this.#newest.newer = bill;
    this.#newest = bill;
    this.size++;
  }

  remove(bill: Bill): void {
    if (bill.older === undefined) this.oldest = bill.newer;
    else bill.older.newer = bill.newer;
    if (bill.newer === undefined) this.#newest = bill.older;
    else bill.newer.older = bill.older;
    bill.older = bill.newer = bill.list = undefined;
    this.size--;
  }
}

const NO_LABELS: Labels = Object.freeze({});

/** Pays for everything outside of bills. */
export const NOBODY = new Bill(NOBODYS_ROW, 'run', NO_LABELS, undefined, 0);
/** Pays for work of bills that ended too long ago. */
export const LATE = new Bill(LATE_ROW, 'run', NO_LABELS, undefined, 0);

/** Who pays now for what is charged to `bill`: itself, or who took it over. */
export function payerOf(bill: Bill): Bill {
  if (bill.row === LATE_ROW) return LATE;
  if (bill.row !== FOLDED) return bill;
  let payer = bill.parent;
  while (payer?.row === FOLDED) payer = payer.parent;
  bill.parent = payer;
  return payer === undefined ? NOBODY : payerOf(payer);
}
