/** Methods of the application's objects that we stand in front of, and the way back. */
import type { AnyFunction } from './api.ts';

export class Patches {
  readonly #undo: (() => void)[] = [];

  /**
   * Puts `create(original)` in the place of a method. False if there is no such method or the object
   * is frozen. The replacement must be a plain call of the original once its owner has stopped:
   * somebody who wraps it afterwards keeps it alive.
   */
  replace(target: object, name: string, create: (original: AnyFunction) => AnyFunction): boolean {
    const original: unknown = Reflect.get(target, name);
    if (typeof original !== 'function') return false;
    const before = Object.getOwnPropertyDescriptor(target, name);
    const value = create(original as AnyFunction);
    Object.defineProperty(value, 'name', { value: original.name, configurable: true });
    const descriptor = before ?? { configurable: true, writable: true, enumerable: false };
    const { get: _get, set: _set, ...rest } = descriptor;
    if (!Reflect.defineProperty(target, name, { ...rest, value })) return false;
    this.#undo.push(() => {
      // Somebody has wrapped ours since: taking it away would take theirs away too.
      if (Object.getOwnPropertyDescriptor(target, name)?.value !== value) return;
      if (before === undefined) Reflect.deleteProperty(target, name);
      else Reflect.defineProperty(target, name, before);
    });
    return true;
  }

  onRestore(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Everything as it was, last replaced first. */
  restore(): void {
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) undo();
  }
}
