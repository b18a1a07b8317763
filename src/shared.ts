/**
 * One instance per thread, whatever the number of copies of this package in the process: a service
 * may be preloaded with one copy and import another, and both must see the same scopes.
 */

import { AsyncLocalStorage } from 'node:async_hooks';

/** Raised when what is shared changes its shape; copies that differ do not share. */
const SHAPE = 1;

export function shared<Value>(name: string, create: () => Value): Value {
  const key = Symbol.for(`spanprof.${SHAPE}.${name}`);
  // On a builtin, not on globalThis: there is one per thread, while each `vm` context has a global
  // of its own but shares the isolate that is sampled.
  const registry = AsyncLocalStorage as unknown as Record<symbol, Value | undefined>;
  const found = registry[key];
  if (found !== undefined) return found;
  const created = create();
  Object.defineProperty(registry, key, { value: created, enumerable: false, configurable: true });
  return created;
}
