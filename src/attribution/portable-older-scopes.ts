/**
 * Older scopes without the addon, by JavaScript's weak references. Most scopes are dead, and only a
 * full collection empties the references; so they stay in the batches in which they came, which costs
 * one small array for a thousand, until a collection has told who lives. The few that do are then kept
 * one by one.
 */
import { setImmediate } from 'node:timers';
import type { OlderScopes } from './older-scopes.ts';
import type { Scope } from './scope.ts';

/** Living scopes that can be found again, and as many that no collection has judged yet. */
const MAX_SCOPES = 262_144;
/**
 * V8 holds the target of a new weak reference until the running job and its microtasks end. A job
 * that opens scopes without end must not pile them up: beyond this many they lose their labels.
 */
const MAX_REFERENCES_PER_TURN = 65_536;
/** Batches looked at again with each new one, and at a window's end, once after each collection. */
const SWEPT_WITH_BATCH = 2;
const SWEPT_WITH_WINDOW = 16;
/** Survivors likewise. */
const SWEPT_SURVIVORS = 4096;

type Batch = readonly (WeakRef<Scope> | undefined)[];

export class PortableOlderScopes implements OlderScopes {
  readonly #batchSize: number;
  /** By the id of the first scope over the size of a batch; oldest first. */
  readonly #batches = new Map<number, Batch>();
  readonly #survivors = new Map<number, WeakRef<Scope>>();
  /** The batches there were at the last full collection, and the survivors, not yet looked at. */
  #judged: IterableIterator<[number, Batch]> | undefined;
  #judgedSurvivors: IterableIterator<[number, WeakRef<Scope>]> | undefined;
  #lastJudged = 0;
  /** Gone once a full collection was. */
  #untilCollection = new WeakRef({});
  #referencesThisTurn = 0;
  #count = 0;
  #evicted = 0;

  /** `batchSize`: of the batches that are added. */
  constructor(batchSize: number) {
    this.#batchSize = batchSize;
  }

  add(firstId: number, scopes: readonly (Scope | undefined)[]): void {
    this.#noteReferences();
    const batch: (WeakRef<Scope> | undefined)[] = [];
    for (const scope of scopes) {
      if (scope === undefined) {
        batch.push(undefined);
      } else if (this.#referencesThisTurn >= MAX_REFERENCES_PER_TURN) {
        batch.push(undefined);
        this.#evicted++;
      } else {
        this.#referencesThisTurn++;
        this.#count++;
        batch.push(new WeakRef(scope));
      }
    }
    const key = Math.trunc(firstId / this.#batchSize);
    // Ids have begun anew: whoever lives of the old batch is still to be found.
    this.#judge(key);
    this.#batches.set(key, batch);
    const [oldest] = this.#batches.keys();
    if (this.#batches.size * this.#batchSize > MAX_SCOPES && oldest !== undefined) {
      this.#judge(oldest);
    }
    this.#sweep(SWEPT_WITH_BATCH);
  }

  find(id: number): Scope | undefined {
    const batch = this.#batches.get(Math.trunc(id / this.#batchSize));
    const reference = batch?.[id % this.#batchSize] ?? this.#survivors.get(id);
    const scope = reference?.deref();
    return scope?.id === id ? scope : undefined;
  }

  release(): void {
    this.#sweep(SWEPT_WITH_WINDOW);
  }

  close(): void {
    this.#batches.clear();
    this.#survivors.clear();
    this.#judged = this.#judgedSurvivors = undefined;
    this.#count = 0;
  }

  /** Forgets the dead of up to `batches` batches, and of some survivors, if a collection was. */
  #sweep(batches: number): void {
    if (this.#judged === undefined && this.#judgedSurvivors === undefined) {
      if (this.#untilCollection.deref() !== undefined) return;
      this.#untilCollection = new WeakRef({});
      this.#judged = this.#batches.entries();
      this.#judgedSurvivors = this.#survivors.entries();
      this.#lastJudged = [...this.#batches.keys()].at(-1) ?? 0;
    }
    for (let i = 0; i < batches && this.#judged !== undefined; i++) {
      const next = this.#judged.next();
      if (next.done !== true) this.#judge(next.value[0]);
      // What has come since has not been through a collection.
      if (next.done === true || next.value[0] === this.#lastJudged) this.#judged = undefined;
    }
    for (let i = 0; i < SWEPT_SURVIVORS && this.#judgedSurvivors !== undefined; i++) {
      const next = this.#judgedSurvivors.next();
      if (next.done === true) this.#judgedSurvivors = undefined;
      else if (next.value[1].deref() === undefined) this.#forget(next.value[0]);
    }
  }

  /** Splits a batch up into its survivors. */
  #judge(key: number): void {
    const batch = this.#batches.get(key);
    if (batch === undefined) return;
    this.#batches.delete(key);
    for (const reference of batch) {
      if (reference === undefined) continue;
      const scope = reference.deref();
      if (scope === undefined) this.#count--;
      else this.#survivors.set(scope.id, reference);
    }
    for (const oldest of this.#survivors.keys()) {
      if (this.#survivors.size <= MAX_SCOPES) break;
      this.#forget(oldest);
      this.#evicted++;
    }
  }

  #forget(id: number): void {
    this.#survivors.delete(id);
    this.#count--;
  }

  #noteReferences(): void {
    if (this.#referencesThisTurn > 0) return;
    setImmediate(() => {
      this.#referencesThisTurn = 0;
    }).unref();
  }

  get size(): number {
    return this.#count;
  }

  get evicted(): number {
    return this.#evicted;
  }
}
