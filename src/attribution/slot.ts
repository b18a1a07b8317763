/**
 * How samplers get to know the running scope. Decided by a probe, not by version:
 *
 *   frame   native code reads the AsyncLocalStorage from V8's async context frame
 *   shared  async_hooks keep an integer in shared memory up to date
 *   hooks   no addon: async_hooks hand the scope itself to the portable CPU engine
 */
import { type AsyncHook, type AsyncLocalStorage, createHook } from 'node:async_hooks';
import { promiseHooks } from 'node:v8';
import type { Addon } from '../native.ts';
import { Scope } from './scope.ts';

export type SlotMechanism = 'frame' | 'shared' | 'hooks';

export interface Slot {
  readonly mechanism: SlotMechanism;
  /** Tells samplers about a scope entered synchronously; undefined where they see it by themselves. */
  readonly publish: ((scope: Scope | undefined) => void) | undefined;
  /** Starts and stops the hooks, where the mechanism needs any. */
  enable(): void;
  disable(): void;
  /** Calls `look` when a callback or an await begins, in its scope; undefined ends that. */
  observe(look: (() => void) | undefined): void;
}

export function createSlot(
  addon: Addon | undefined,
  storage: AsyncLocalStorage<Scope | undefined>,
  publishPortable: (scope: Scope | undefined) => void,
): Slot {
  if (addon === undefined) return hookedSlot('hooks', storage, publishPortable);
  if (frameIsReadable(addon, storage)) return frameSlot(addon, storage);
  const shared = addon.slotArray();
  return hookedSlot('shared', storage, (scope) => {
    shared[0] = scope === undefined ? 0 : scope.id;
  });
}

/** Known scope in, same scope out, nothing outside: then the frame can be read on this Node. */
function frameIsReadable(addon: Addon, storage: AsyncLocalStorage<Scope | undefined>): boolean {
  const sentinel = new Scope(0x5ca1ab1, {});
  addon.useFrameOf(storage);
  const inside = storage.run(sentinel, () => addon.readScope());
  const outside = storage.run(undefined, () => addon.readScope());
  addon.useShared();
  // Used once, an AsyncLocalStorage makes every promise dearer on Node 20 and 22.
  storage.disable();
  return inside === sentinel.id && outside === 0;
}

function frameSlot(addon: Addon, storage: AsyncLocalStorage<Scope | undefined>): Slot {
  return {
    mechanism: 'frame',
    publish: undefined,
    enable: () => addon.useFrameOf(storage),
    disable: () => addon.useShared(),
    observe: createObserver(),
  };
}

/** Hooks of its own: promises through V8, which is several times cheaper than through async_hooks. */
function createObserver(): Slot['observe'] {
  let hook: AsyncHook | undefined;
  let endPromiseHook: (() => void) | undefined;
  return (look) => {
    hook?.disable();
    endPromiseHook?.();
    hook = endPromiseHook = undefined;
    if (look === undefined) return;
    if (canLeavePromisesOut()) {
      hook = createHook(withoutPromises({ before: look }));
      endPromiseHook = promiseHooks.onBefore(look) as unknown as () => void;
    } else {
      hook = createHook({ before: look });
    }
    hook.enable();
  };
}

/** `trackPromises` came with Node 24.14 and is ignored before. */
const withoutPromises = <Callbacks extends object>(callbacks: Callbacks) => ({
  ...callbacks,
  trackPromises: false,
});

function canLeavePromisesOut(): boolean {
  let seen = false;
  const hook = createHook(withoutPromises({ init: () => (seen = true) })).enable();
  void new Promise(() => {});
  hook.disable();
  return !seen;
}

/** Callbacks nest a few levels deep at most; a drift (lost `after`) must not grow without bound. */
const MAX_DEPTH = 512;

function hookedSlot(
  mechanism: SlotMechanism,
  storage: AsyncLocalStorage<Scope | undefined>,
  publish: (scope: Scope | undefined) => void,
): Slot {
  let current: Scope | undefined;
  let hook: AsyncHook | undefined;
  let look: (() => void) | undefined;
  const interrupted: (Scope | undefined)[] = [];
  const set = (scope: Scope | undefined): void => {
    if (scope === current) return;
    current = scope;
    publish(scope);
  };
  const before = (): void => {
    if (interrupted.length >= MAX_DEPTH) interrupted.length = 0;
    interrupted.push(current);
    set(storage.getStore());
    look?.();
  };
  const after = (): void => set(interrupted.pop());
  return {
    mechanism,
    publish: set,
    enable() {
      hook ??= createHook({ before, after });
      hook.enable();
      set(storage.getStore());
    },
    disable() {
      hook?.disable();
      interrupted.length = 0;
      set(undefined);
    },
    observe(newLook) {
      look = newLook;
    },
  };
}
