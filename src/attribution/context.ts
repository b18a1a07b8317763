/**
 * Scopes as the application uses them: `run`, `bind`, `labels`. One instance per thread, shared by
 * all copies of the package in it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { crypto } from '../builtins.ts';
import { messageOf } from '../errors.ts';
import type { Labels } from '../profile/model.ts';
import { type LabelInput, mergeLabels, NO_LABELS } from './labels.ts';
import type { Ledger } from './ledger.ts';
import type { Scope, ScopeKind } from './scope.ts';
import type { ScopeStore } from './scope-store.ts';
import type { Slot } from './slot.ts';

/** A scope's labels on their way to another thread or process; plain data. */
export interface Carrier {
  readonly labels: Labels;
  /** Where it comes from: back in the same thread the work is charged to the same bill. */
  readonly origin?: { readonly thread: string; readonly scope: number };
}

/** Told apart from every other thread of every other process. */
let threadName: string | undefined;
function thisThread(): string {
  threadName ??= crypto().randomUUID();
  return threadName;
}

export interface OpenOptions {
  /** The scope it belongs into; undefined for none. */
  readonly parent: Scope | undefined;
  readonly kind: ScopeKind;
}

export class ScopeContext {
  readonly storage = new AsyncLocalStorage<Scope | undefined>();
  #ledger: Ledger | undefined;
  #enterBill: ((scope: Scope | undefined) => void) | undefined;
  #store: ScopeStore | undefined;
  #slot: Slot | undefined;
  #isSlotOn = false;
  #report: (message: string) => void = () => {};

  /**
   * Calls `fn(...args)` in a scope with `own` on top of the labels in force and returns what it
   * returns. Everything it starts asynchronously stays in the scope. Without a started agent it is
   * a plain call.
   */
  run<Args extends unknown[], Result>(
    own: LabelInput,
    fn: (...args: Args) => Result,
    args: Args,
  ): Result {
    const store = this.#store;
    if (store === undefined) return fn(...args);
    const parent = this.storage.getStore();
    const scope = store.open(this.#merge(parent?.labels ?? NO_LABELS, own));
    if (parent !== undefined) this.#ledger?.open(scope, parent, 'run');
    return this.#enter(scope, fn, args);
  }

  /**
   * Opens a scope without entering it, for `runIn`. Undefined while no agent runs. What is opened as
   * a `span` or an `invocation` is to be closed with `ledger.close`.
   */
  openScope(own: LabelInput, { parent, kind }: OpenOptions): Scope | undefined {
    const scope = this.#store?.open(this.#merge(parent?.labels ?? NO_LABELS, own));
    if (scope !== undefined) this.#ledger?.open(scope, parent, kind);
    return scope;
  }

  /** What is billed to whom. Undefined while no agent runs, or where bills are not possible. */
  get ledger(): Ledger | undefined {
    return this.#ledger;
  }

  /** Calls `fn(...args)` in an open scope, or outside of all (undefined), and returns what it returns. */
  runIn<Args extends unknown[], Result>(
    scope: Scope | undefined,
    fn: (...args: Args) => Result,
    args: Args,
  ): Result {
    if (this.#store === undefined) return fn(...args);
    return this.#enter(scope, fn, args);
  }

  /**
   * Adds labels that became known after the scope was opened; its bill and its samples so far get
   * them too, scopes opened in it before do not.
   */
  relabel(scope: Scope, own: LabelInput): void {
    const { bill, labels: before } = scope;
    scope.labels = this.#merge(before, own);
    // A bill that shows other labels is not its own, and without labels it may be nobody's.
    if (bill.labels === before && before !== NO_LABELS) bill.labels = scope.labels;
  }

  /** A getter or a proxy of the application may throw; its function must be called all the same. */
  #merge(parent: Labels, own: LabelInput): Labels {
    try {
      return mergeLabels(parent, own, this.#report);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#report(messageOf('LABEL_INVALID', { key: 'unreadable', reason }));
      return parent;
    }
  }

  /** Calls `fn` in a new scope without labels of its own; returns the scope's id, 0 if inactive. */
  runWithId(fn: () => void): number {
    return this.run({}, () => {
      fn();
      return this.storage.getStore()?.id ?? 0;
    }, []);
  }

  #enter<Args extends unknown[], Result>(
    scope: Scope | undefined,
    fn: (...args: Args) => Result,
    args: Args,
  ): Result {
    if (!this.#isSlotOn && scope !== undefined) this.#switchSlotOn();
    const publish = this.#slot?.publish;
    if (publish === undefined && this.#enterBill === undefined) {
      return this.storage.run(scope, fn, ...args);
    }
    const interrupted = this.storage.getStore();
    return this.storage.run(scope, () => {
      publish?.(scope);
      this.#enterBill?.(scope);
      try {
        return fn(...args);
      } finally {
        publish?.(interrupted);
        this.#enterBill?.(interrupted);
      }
    });
  }

  /**
   * Puts `scope` in force from here on, for APIs that have no function to wrap; until the returned function
   * is called, or as long as such a change of an AsyncLocalStorage lasts.
   */
  attach(scope: Scope | undefined): () => void {
    const store = this.#store;
    const interrupted = this.storage.getStore();
    const put = (one: Scope | undefined): void => {
      // Of another session by now: nothing of this one is in force.
      if (store === undefined || store !== this.#store) return;
      if (!this.#isSlotOn && one !== undefined) this.#switchSlotOn();
      this.storage.enterWith(one);
      this.#slot?.publish?.(one);
      this.#enterBill?.(one);
    };
    put(scope);
    return () => put(interrupted);
  }

  /** Not before the first scope: on Node 20 and 22 the hooks make every `await` dearer. */
  #switchSlotOn(): void {
    this.#isSlotOn = true;
    this.#slot?.enable();
  }

  /** As before the first scope: what was opened to probe the slot does not count as use. */
  switchSlotOff(): void {
    this.#slot?.disable();
    this.storage.disable();
    this.#isSlotOn = false;
  }

  /** A function that runs `fn` in the scope in force now, whoever calls it and when. */
  bind<This, Args extends unknown[], Result>(
    fn: (this: This, ...args: Args) => Result,
  ): (this: This, ...args: Args) => Result {
    const scope = this.storage.getStore();
    const enter = (call: () => Result): Result => this.#enter(scope, call, []);
    return function bound(this: This, ...args: Args): Result {
      return enter(() => fn.apply(this, args));
    };
  }

  labels(): Labels {
    return this.storage.getStore()?.labels ?? NO_LABELS;
  }

  carry(): Carrier {
    const scope = this.storage.getStore();
    if (scope === undefined) return { labels: NO_LABELS };
    return { labels: scope.labels, origin: { thread: thisThread(), scope: scope.id } };
  }

  /** Calls `fn` in a scope with exactly the carrier's labels. */
  resume<Result>(carrier: Carrier, fn: () => Result): Result {
    const store = this.#store;
    if (store === undefined) return fn();
    const { labels, origin }: Partial<Carrier> = carrier ?? {};
    const scope = store.open(this.#merge(NO_LABELS, labels ?? NO_LABELS));
    if (origin?.thread === thisThread() && typeof origin.scope === 'number') {
      const carried = store.scopeOf(origin.scope);
      if (carried !== undefined) this.#ledger?.open(scope, carried, 'run');
    }
    return this.#enter(scope, fn, []);
  }

  /** For the ledger: what to call whenever a scope is entered synchronously, or come back to. */
  readonly setEnterBill = (enter: ((scope: Scope | undefined) => void) | undefined): void => {
    this.#enterBill = enter;
  };

  /** Begins to open scopes; the agent's business. */
  activate(
    store: ScopeStore,
    slot: Slot,
    ledger: Ledger | undefined,
    report: (message: string) => void,
  ): void {
    this.#store = store;
    this.#slot = slot;
    this.#ledger = ledger;
    this.#isSlotOn = false;
    this.#report = report;
  }

  deactivate(): void {
    this.#ledger?.stop();
    this.#ledger = undefined;
    this.#store = undefined;
    this.switchSlotOff();
    this.#slot = undefined;
  }
}
