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
  const found: unknown = Reflect.get(globalThis, API_KEY);
  if (isObject(found)) watchRegistry(found, listeners, patches);
  else watchForRegistry(listeners, patches);
}

/** No copy of the API has registered anything: waits for the first. */
function watchForRegistry(listeners: Listeners, patches: Patches): void {
  const accessor: PropertyDescriptor & { get: () => undefined } = {
    configurable: true,
    enumerable: false,
    get: () => undefined,
    set(registry: unknown) {
      Reflect.defineProperty(globalThis, API_KEY, plain(registry));
      if (isObject(registry)) watchRegistry(registry, listeners, patches);
    },
  };
  Reflect.defineProperty(globalThis, API_KEY, accessor);
  patches.onRestore(() => {
    if (Object.getOwnPropertyDescriptor(globalThis, API_KEY)?.get === accessor.get) {
      Reflect.deleteProperty(globalThis, API_KEY);
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
