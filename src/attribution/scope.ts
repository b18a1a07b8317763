import type { Labels } from '../profile/model.ts';
import { type Bill, type BillKind, NOBODY } from './bill.ts';

/**
 * What opened a scope. `run`: labels only; billed as part of the work it runs in, if that is billed.
 * `span` and `invocation`: billed from `openScope` until `ledger.close`.
 */
export type ScopeKind = BillKind;

/**
 * An async region charged to one owner. It is the value in the AsyncLocalStorage, so the
 * garbage collector keeps it exactly as long as something can still run inside it.
 */
export class Scope {
  /**
   * Small integer, unique among living scopes, never 0. Must stay the first field: the signal
   * handler reads it from memory (native/slot.cc), and a probe at start checks that it finds it.
   */
  readonly id: number;
  /** Own labels over those of the scope it was opened in; replaced where some become known later. */
  labels: Labels;
  /** Who pays for what runs here; `NOBODY` outside of everything billed. */
  bill: Bill = NOBODY;

  constructor(id: number, labels: Labels) {
    this.id = id;
    this.labels = labels;
  }
}
