/** One open or finished bill. */
import type { Labels } from '../profile/model.ts';

export class Bill {
  /** Its row in the table of running figures (src/attribution/table.ts); `FOLDED` once it has none. */
  row: number;
  readonly labels: Labels;
  /** The bill that includes this one. */
  parent: Bill | undefined;

  constructor(row: number, labels: Labels, parent: Bill | undefined) {
    this.row = row;
    this.labels = labels;
    this.parent = parent;
  }
}

/** Pays for everything outside of scopes. */
export const NOBODY = new Bill(0, Object.freeze({}), undefined);
