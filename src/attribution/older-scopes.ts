/**
 * Scopes that are no longer new, held weakly: those in which something can still run can be found by
 * id, the others go. By V8's weak handles (native/weak_scopes.h), or without the addon by weak
 * references.
 */
import { type Addon, SCOPES_BATCH } from '../native.ts';
import { PortableOlderScopes } from './portable-older-scopes.ts';
import type { Scope } from './scope.ts';

export interface OlderScopes {
  /**
   * Takes the scopes of one batch over, in the order of their ids; places may be empty. Ids
   * `n * batchSize` to `(n + 1) * batchSize - 1` come together, each for the first time or when
   * `find` knows it no more.
   */
  add(firstId: number, scopes: readonly (Scope | undefined)[]): void;
  find(id: number): Scope | undefined;
  /** The samples so far are labelled; frees what the dead still take. */
  release(): void;
  /** Forgets all. */
  close(): void;
  /** Scopes held, some of them dead. */
  readonly size: number;
  /** Scopes dropped at a bound. */
  readonly evicted: number;
}

export function createOlderScopes(addon: Addon | undefined, batchSize: number): OlderScopes {
  return addon === undefined ? new PortableOlderScopes(batchSize) : new NativeOlderScopes(addon);
}

/** One at a time in a thread: the handles are the thread's. */
class NativeOlderScopes implements OlderScopes {
  readonly #addon: Addon;
  #evicted = 0;

  constructor(addon: Addon) {
    this.#addon = addon;
  }

  add(firstId: number, scopes: readonly (Scope | undefined)[]): void {
    for (let i = 0; i < scopes.length; i += SCOPES_BATCH) {
      // As arguments, which native code reads at half the cost of an array's elements.
      this.#evicted += this.#addon.scopesHold(firstId + i, ...scopes.slice(i, i + SCOPES_BATCH));
    }
  }

  find(id: number): Scope | undefined {
    return this.#addon.scopesFind(id) as Scope | undefined;
  }

  release(): void {
    this.#addon.scopesUnpin();
    this.#addon.scopesSweep();
  }

  close(): void {
    this.#addon.scopesClear();
  }

  get size(): number {
    return this.#addon.scopesHeld();
  }

  get evicted(): number {
    return this.#evicted;
  }
}
