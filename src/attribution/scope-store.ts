/**
 * From a scope's id back to its labels. Samplers see ids only, and a sample is labelled when its
 * window ends, when the scope may be long gone; yet millions of scopes a minute that no sample ever
 * sees must cost next to nothing.
 *
 *   recent   the last RECENT scopes, by id (a ring)
 *   older    scopes that left the ring, held weakly (older-scopes.ts)
 *   seen     scopes a sample has seen, held until the window is labelled
 *
 * Before scopes leave the ring the samplers are asked which ids they have seen, and before a
 * collection native code asks them about those in `older`: every scope with a sample is in the ring,
 * in `seen`, or alive and in `older`.
 */
import { addon, SCOPES_BATCH } from '../native.ts';
import type { Labels } from '../profile/model.ts';
import { NativeOlderScopes } from './native-older-scopes.ts';
import type { OlderScopes } from './older-scopes.ts';
import { PortableOlderScopes } from './portable-older-scopes.ts';
import { Scope } from './scope.ts';

/** Scopes move out of the ring in segments, together with a look at what samples have seen: a batch each. */
const SEGMENT = SCOPES_BATCH;
/** Few: what is in the ring when a scavenge comes is copied, and makes the young generation grow. */
const RECENT = 2 * SEGMENT;
/** Ids are smaller, then begin anew: they fit V8's small integers on every build. */
const END_OF_IDS = 2 ** 30;

/** Not part of a store: scopes of an earlier session may still be running when the next one begins. */
export const ids = { last: 0 };

export interface ScopeStoreStatus {
  /** Scopes opened since start. */
  readonly opened: number;
  /** Entries held now: recent, older (some of them dead), seen by samples of open windows. */
  readonly recent: number;
  readonly older: number;
  readonly seen: number;
  /** Samples' ids whose labels could not be found, and scopes dropped at the bound. */
  readonly lost: number;
  readonly evicted: number;
}

export class ScopeStore {
  readonly #recent: (Scope | undefined)[] = new Array(RECENT).fill(undefined);
  readonly #older: OlderScopes;
  readonly #seen = new Map<number, Scope>();
  readonly #takeSeenIds: () => Iterable<number>;
  readonly #isHeld: (id: number) => boolean;
  #wrapped = false;
  #opened = 0;
  #lost = 0;

  /**
   * `takeSeenIds`: ids that samples have seen since it was last called. `isHeld`: whether samples of
   * an id are still around, so that it must not be given to a new scope when ids begin anew.
   * `native`: the addon, where there is one.
   */
  constructor(
    takeSeenIds: () => Iterable<number>,
    isHeld: (id: number) => boolean = () => false,
    native = addon,
  ) {
    this.#takeSeenIds = takeSeenIds;
    this.#isHeld = isHeld;
    this.#older =
      native === undefined ? new PortableOlderScopes(SEGMENT) : new NativeOlderScopes(native);
  }

  open(labels: Labels): Scope {
    const id = this.#nextId();
    const scope = new Scope(id, labels);
    this.#recent[id % RECENT] = scope;
    this.#opened++;
    return scope;
  }

  #nextId(): number {
    let id = ids.last;
    do {
      id++;
      if (id === END_OF_IDS) {
        id = 0;
        this.#wrapped = true;
      }
      if (id % SEGMENT === 0) this.#retireSegment(id);
    } while (this.#wrapped && this.#isTaken(id));
    ids.last = id;
    return id;
  }

  #isTaken(id: number): boolean {
    return id === 0 || this.#seen.has(id) || this.#isHeld(id) || this.#older.find(id) !== undefined;
  }

  /** Moves the segment that the ids from `id` on will overwrite out of the ring. */
  #retireSegment(id: number): void {
    this.keepSeen();
    const start = id % RECENT;
    const segment = this.#recent.slice(start, start + SEGMENT);
    const first = segment.find((scope) => scope !== undefined);
    if (first === undefined) return;
    this.#older.add(first.id - (first.id % SEGMENT), segment);
    this.#recent.fill(undefined, start, start + SEGMENT);
  }

  /** Holds every scope that samples have seen until `release()`. */
  keepSeen(): void {
    for (const id of this.#takeSeenIds()) {
      if (this.#seen.has(id)) continue;
      const scope = this.#find(id);
      if (scope !== undefined) this.#seen.set(id, scope);
    }
  }

  /** Lets go of the scopes held by `keepSeen()`: their samples are labelled. */
  release(): void {
    this.#seen.clear();
    this.#older.release();
  }

  /** Labels of a scope id that a sampler reports; undefined, and counted, if they are lost. */
  labelsOf(id: number): Labels | undefined {
    const scope = this.#seen.get(id) ?? this.#find(id);
    if (scope === undefined) this.#lost++;
    return scope?.labels;
  }

  /** The scope of an id, as long as something can still run inside it or a sample has seen it. */
  scopeOf(id: number): Scope | undefined {
    return this.#seen.get(id) ?? this.#find(id);
  }

  #find(id: number): Scope | undefined {
    const recent = this.#recent[id % RECENT];
    return recent?.id === id ? recent : this.#older.find(id);
  }

  /** Forgets all: nothing is labelled any more. */
  close(): void {
    this.#recent.fill(undefined);
    this.#seen.clear();
    this.#older.close();
  }

  status(): ScopeStoreStatus {
    let recent = 0;
    for (const scope of this.#recent) if (scope !== undefined) recent++;
    return {
      opened: this.#opened,
      recent,
      older: this.#older.size,
      seen: this.#seen.size,
      lost: this.#lost,
      evicted: this.#older.evicted,
    };
  }
}
