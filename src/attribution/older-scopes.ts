/**
 * Scopes that are no longer new, held weakly: those in which something can still run can be found by
 * id, the others go. With the addon by V8's weak handles (native-older-scopes.ts), without it by weak
 * references (portable-older-scopes.ts).
 */
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
