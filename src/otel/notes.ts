/**
 * Notes on the application's objects, which it cannot see: each in a private field of the object itself.
 * As in a `WeakMap` a note lives as long as its object, but V8's scavenges take every value of an old
 * `WeakMap` for alive: each record of a span moved into the old generation, and what it held.
 */
export class Notes<Value extends object> {
  readonly #field = createField<Value>();
  /** Of objects that take no field. */
  #others: WeakMap<object, Value> | undefined;

  get(object: object): Value | undefined {
    return this.#field.get(object) ?? this.#others?.get(object);
  }

  set(object: object, value: Value): void {
    try {
      this.#field.set(object, value);
    } catch {
      // Node 26 and before add one to frozen objects too; the language is about to forbid it.
      this.#others ??= new WeakMap();
      this.#others.set(object, value);
    }
  }
}

interface Field<Value> {
  get(object: object): Value | undefined;
  set(object: object, value: Value): void;
}

/** What a constructor returns is what a derived class adds its fields to. */
class Given {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the only way to a private field of another's object
    return object;
  }
}

function createField<Value>(): Field<Value> {
  class Note extends Given {
    #value: Value;

    constructor(object: object, value: Value) {
      super(object);
      this.#value = value;
    }

    static get(object: object): Value | undefined {
      return #value in object ? object.#value : undefined;
    }

    static set(object: object, value: Value): void {
      if (#value in object) object.#value = value;
      else new Note(object, value);
    }
  }
  return Note;
}
