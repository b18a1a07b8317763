/**
 * Hears what the application registers with the OpenTelemetry API, whenever it does so and from
 * whichever copy of the package.
 *
 * All copies keep their registrations in one object under `globalThis[API_KEY]`, made by the first
 * that registers. Registering is a plain assignment and unregistering a `delete`. So setters sit on
 * that object's prototype: they see each assignment of a name that is not there yet, make it an own
 * property like any other, and are out of the way of every later read.
 */
import { API_KEY } from './api.ts';
import type { Patches } from './patches.ts';

/** Called with each object registered under a name, those registered before us first. */
export type Listeners = Readonly<Record<string, (registered: object) => void>>;

export function watchRegistrations(listeners: Listeners, patches: Patches): void {
  watchGlobal(API_KEY, (registry) => watchRegistry(registry, listeners, patches), patches);
}

/** Calls `listener` with the object under a global key: now if it is there, else once it is set. */
export function watchGlobal(
  key: symbol,
  listener: (value: object) => void,
  patches: Patches,
): void {
  const found: unknown = Reflect.get(globalThis, key);
  if (isObject(found)) {
    listener(found);
    return;
  }
  const accessor: PropertyDescriptor & { get: () => undefined } = {
    configurable: true,
    enumerable: false,
    get: () => undefined,
    set(value: unknown) {
      Reflect.defineProperty(globalThis, key, plain(value));
      if (isObject(value)) listener(value);
    },
  };
  Reflect.defineProperty(globalThis, key, accessor);
  patches.onRestore(() => {
    if (Object.getOwnPropertyDescriptor(globalThis, key)?.get === accessor.get) {
      Reflect.deleteProperty(globalThis, key);
    }
  });
}

function watchRegistry(registry: object, listeners: Listeners, patches: Patches): void {
  const before: object | null = Object.getPrototypeOf(registry);
  const watcher: object = Object.create(before);
  for (const [name, listener] of Object.entries(listeners)) {
    Object.defineProperty(watcher, name, {
      configurable: true,
      get: () => undefined,
      set(this: object, registered: unknown) {
        Reflect.defineProperty(this, name, plain(registered));
        if (isObject(registered)) listener(registered);
      },
    });
    const registered: unknown = Object.getOwnPropertyDescriptor(registry, name)?.value;
    if (isObject(registered)) listener(registered);
  }
  if (!Reflect.setPrototypeOf(registry, watcher)) return;
  patches.onRestore(() => {
    if (Object.getPrototypeOf(registry) === watcher) Reflect.setPrototypeOf(registry, before);
  });
}

/** As an assignment would have made it. */
function plain(value: unknown): PropertyDescriptor {
  return { value, writable: true, enumerable: true, configurable: true };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
