/** Bills in order of opening or of ending, oldest first. A bill is in one list at a time. */
import type { Bill } from './bill.ts';

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
