/**
 * Older scopes by V8's weak handles (native/weak_scopes.h). One at a time in a thread: the handles are
 * the thread's.
 */
import type { Addon } from '../native.ts';
import type { OlderScopes } from './older-scopes.ts';
import type { Scope } from './scope.ts';

export class NativeOlderScopes implements OlderScopes {
  readonly #addon: Addon;
  #evicted = 0;

  constructor(addon: Addon) {
    this.#addon = addon;
  }

  add(firstId: number, scopes: readonly (Scope | undefined)[]): void {
    // As arguments, which native code reads at half the cost of an array's elements.
    this.#evicted += this.#addon.scopesHold(firstId, ...scopes);
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
