/** Rows of running figures, in memory shared with native code; see native/switcher.h. */
import {
  type Addon,
  type BillMemory,
  NUMBERS_PER_ROW,
  ROW_NUMBER,
  SWITCHER_WORD,
} from '../native.ts';

/** Open at one time. */
export const MAX_OPEN_BILLS = 10_000;
/**
 * Ended ones whose late work is still theirs. Few: with 1,000 a server of 28,000 requests a second had
 * each of them survive two scavenges, and a young generation of 60 MB more.
 */
export const MAX_ENDED_BILLS = 256;

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
  readonly memory: BillMemory;
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
    this.memory = addon.billTable(ROWS);
    // The table is the thread's: what an earlier session charged to `late` is not ours.
    this.#clear(LATE_ROW);
  }

  /** Not what is under way: native code has the row in its lists then. */
  #clear(row: number): void {
    const { rows } = this.memory;
    const begin = row * NUMBERS_PER_ROW;
    rows.fill(0, begin + ROW_NUMBER.cpu, begin + ROW_NUMBER.bytesInclusive + 1);
  }

  /** The caller keeps to the bounds above, so there always is one. */
  take(owner: Owner, scopeId: number, parentRow: number): number {
    const row = this.#freeRow();
    this.#clear(row);
    this.setParent(row, parentRow);
    this.#owners[row] = owner;
    this.#scopeIds[row] = scopeId;
    return row;
  }

  #freeRow(): number {
    const row = this.#free[this.#nextFree] ?? LATE_ROW;
    // Native code adds to a row's turns when the turn ends: until then they are its last owner's.
    const isClean = this.#freedInTurn[row] !== this.memory.words[SWITCHER_WORD.turn];
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

  /** After `sync`: nothing of it is under way any more. If it runs, `successorRow` runs from here on. */
  give(row: number, successorRow: number): void {
    const { words } = this.memory;
    this.setParent(row, NOBODYS_ROW);
    if (words[SWITCHER_WORD.row] === row) words[SWITCHER_WORD.row] = successorRow;
    this.#freedInTurn[row] = words[SWITCHER_WORD.turn] ?? 0;
    this.#owners[row] = undefined;
    this.#scopeIds[row] = 0;
    this.#free[(this.#nextFree + this.#freeCount) % ROWS] = row;
    this.#freeCount++;
  }

  setParent(row: number, parentRow: number): void {
    this.memory.rows[row * NUMBERS_PER_ROW + ROW_NUMBER.parent] = parentRow;
  }

  /** Books everything up to this moment; to be called before rows are read or given back. */
  sync(): void {
    this.#addon.switcherSync();
  }

  /** As of the last `sync`, with the row's part of the running turn. */
  read(row: number): RowFigures {
    const { rows } = this.memory;
    const begin = row * NUMBERS_PER_ROW;
    const at = (place: number): number => rows[begin + place] ?? 0;
    const turn = at(ROW_NUMBER.turn);
    const turnInclusive = at(ROW_NUMBER.turnInclusive);
    return {
      cpu: at(ROW_NUMBER.cpu),
      cpuInclusive: at(ROW_NUMBER.cpuInclusive),
      turns: at(ROW_NUMBER.turns) + (turn > 0 ? 1 : 0),
      turnsInclusive: at(ROW_NUMBER.turnsInclusive) + (turnInclusive > 0 ? 1 : 0),
      longest: Math.max(at(ROW_NUMBER.longest), turn),
      longestInclusive: Math.max(at(ROW_NUMBER.longestInclusive), turnInclusive),
      bytes: at(ROW_NUMBER.bytes),
      bytesInclusive: at(ROW_NUMBER.bytesInclusive),
    };
  }
}
