/** Rows of running figures, in memory shared with native code; see native/switcher.h. */
import { type Addon, type BillColumns, SWITCHER_NUMBER, SWITCHER_WORD } from '../native.ts';

/** Bills open at one time, and ended ones whose late work is still theirs. */
export const MAX_OPEN_BILLS = 10_000;
export const MAX_ENDED_BILLS = 1_000;

/** Outside of every bill; never charged. */
export const NOBODYS_ROW = 0;
/** Work of bills that ended too long ago. */
export const LATE_ROW = 1;
const FIRST_ROW = 2;
const ROWS = FIRST_ROW + MAX_OPEN_BILLS + MAX_ENDED_BILLS;

/** What a row has come to. Times are in milliseconds. */
export interface RowFigures {
  readonly cpu: number;
  readonly cpuInclusive: number;
  readonly turns: number;
  readonly turnsInclusive: number;
  readonly longest: number;
  readonly longestInclusive: number;
  readonly bytes: number;
  readonly bytesInclusive: number;
}

export class BillTable<Owner extends object> {
  readonly columns: BillColumns;
  readonly #addon: Addon;
  /** Rows given back, longest free first, and the turn in which each was. */
  readonly #free: Int32Array = new Int32Array(ROWS);
  readonly #freedInTurn: Int32Array = new Int32Array(ROWS).fill(-1);
  /**
   * Whose each row is. Not a map from scopes: one that many entries come and go in leaves old copies
   * of itself behind, which keep all owners in them alive until the next full collection.
   */
  readonly #owners: (Owner | undefined)[] = new Array(ROWS).fill(undefined);
  readonly #scopeIds: Int32Array = new Int32Array(ROWS);
  #nextFree = 0;
  #freeCount = 0;
  /** From here on rows were never given out. Only as many as it takes: they stay in the CPU's cache. */
  #nextFresh = FIRST_ROW;

  constructor(addon: Addon) {
    this.#addon = addon;
    this.columns = addon.billTable(ROWS);
    // The table is the thread's: what an earlier session charged to `late` is not ours.
    this.#clear(LATE_ROW);
  }

  #clear(row: number): void {
    const { columns } = this;
    columns.cpu[row] = columns.cpuInclusive[row] = 0;
    columns.turns[row] = columns.turnsInclusive[row] = 0;
    columns.longest[row] = columns.longestInclusive[row] = 0;
    columns.bytes[row] = columns.bytesInclusive[row] = 0;
  }

  /** The caller keeps to the bounds above, so there always is one. */
  take(owner: Owner, scopeId: number, parentRow: number): number {
    const row = this.#freeRow();
    this.#clear(row);
    this.columns.parent[row] = parentRow;
    this.#owners[row] = owner;
    this.#scopeIds[row] = scopeId;
    return row;
  }

  #freeRow(): number {
    const row = this.#free[this.#nextFree] ?? LATE_ROW;
    // Native code adds to a row's turns when the turn ends: until then they are its last owner's.
    const isClean = this.#freedInTurn[row] !== this.columns.words[SWITCHER_WORD.turn];
    if ((this.#freeCount === 0 || !isClean) && this.#nextFresh < ROWS) return this.#nextFresh++;
    this.#nextFree = (this.#nextFree + 1) % ROWS;
    this.#freeCount--;
    if (!isClean) this.#addon.switcherFinishTurn();
    return row;
  }

  /** By its scope's id; takes some microseconds. */
  ownerOf(scopeId: number): Owner | undefined {
    return scopeId === 0 ? undefined : this.#owners[this.#scopeIds.indexOf(scopeId)];
  }

  /** After `read`: nothing of it is under way any more. If it runs, `successorRow` runs from here on. */
  give(row: number, successorRow: number): void {
    const { words, parent } = this.columns;
    parent[row] = NOBODYS_ROW;
    if (words[SWITCHER_WORD.row] === row) words[SWITCHER_WORD.row] = successorRow;
    this.#freedInTurn[row] = words[SWITCHER_WORD.turn] ?? 0;
    this.#owners[row] = undefined;
    this.#scopeIds[row] = 0;
    this.#free[(this.#nextFree + this.#freeCount) % ROWS] = row;
    this.#freeCount++;
  }

  setParent(row: number, parentRow: number): void {
    this.columns.parent[row] = parentRow;
  }

  /** Everything up to this moment. */
  read(row: number): RowFigures {
    this.#addon.switcherRead(row);
    const { columns } = this;
    const turn = columns.numbers[SWITCHER_NUMBER.turnMillis] ?? 0;
    const turnInclusive = columns.numbers[SWITCHER_NUMBER.turnInclusiveMillis] ?? 0;
    return {
      cpu: columns.cpu[row] ?? 0,
      cpuInclusive: columns.cpuInclusive[row] ?? 0,
      turns: (columns.turns[row] ?? 0) + (turn > 0 ? 1 : 0),
      turnsInclusive: (columns.turnsInclusive[row] ?? 0) + (turnInclusive > 0 ? 1 : 0),
      longest: Math.max(columns.longest[row] ?? 0, turn),
      bytes: columns.bytes[row] ?? 0,
      bytesInclusive: columns.bytesInclusive[row] ?? 0,
      longestInclusive: Math.max(columns.longestInclusive[row] ?? 0, turnInclusive),
    };
  }
}
