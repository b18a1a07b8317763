/**
 * Hears of spans at their start and end, and of attributes set in between, from the SDK that the
 * application uses. Only methods of the public API are wrapped, on the prototypes of its tracers and
 * spans: `startSpan`, `end`, `setAttribute`. SDK 1, 2 and 3 have them alike, `end` is before every
 * processor's `onEnding` and `onEnd`, and spans of providers that are not registered come along.
 */
import type { AnyFunction, OtelSpan, OtelStartOptions, OtelTracerProvider } from './api.ts';
import type { Patches } from './patches.ts';

export interface SpanEvents {
  readonly started: (
    span: OtelSpan,
    options: OtelStartOptions | undefined,
    context: unknown,
  ) => void;
  readonly attributeSet: (span: OtelSpan, key: string, value: unknown) => void;
  readonly ending: (span: OtelSpan) => void;
  /** Calls the original `end`: what processors start then is not the span's work. */
  readonly end: (end: () => unknown) => unknown;
}

export class SpanHooks {
  readonly #patched = new WeakSet<object>();
  readonly #events: SpanEvents;
  readonly #patches: Patches;
  #lastPrototype: object | undefined;

  constructor(events: SpanEvents, patches: Patches) {
    this.#events = events;
    this.#patches = patches;
  }

  /** Sees to it that starts of this provider's spans are heard of. */
  adoptProvider(provider: OtelTracerProvider): void {
    const prototype = ownerOf(provider.getTracer('spanprof'), 'startSpan');
    if (prototype === undefined || this.#patched.has(prototype)) return;
    this.#patched.add(prototype);
    const { started } = this.#events;
    this.#patches.replace(
      prototype,
      'startSpan',
      (startSpan) =>
        function (this: unknown, ...args: unknown[]) {
          // Tracers of any make come here: what one returns may be no span at all.
          const span = Reflect.apply(startSpan, this, args) as Partial<OtelSpan> | null | undefined;
          // Before anything else: where a trace is not sampled this is all that happens.
          if (isRecording(span)) started(span, args[1] as OtelStartOptions | undefined, args[2]);
          return span;
        },
    );
  }

  /** Sees to it that the end of this span, and of all of its class, is heard of. */
  adoptClassOf(span: OtelSpan): void {
    const direct: object | null = Object.getPrototypeOf(span);
    if (direct === null || direct === this.#lastPrototype) return;
    this.#lastPrototype = direct;
    const prototype = ownerOf(span, 'end');
    if (prototype === undefined || this.#patched.has(prototype)) return;
    this.#patched.add(prototype);
    this.#patches.replace(prototype, 'end', (end) => this.#wrapEnd(end));
    const attributeOwner = ownerOf(span, 'setAttribute') ?? prototype;
    this.#patches.replace(attributeOwner, 'setAttribute', (set) => this.#wrapSetAttribute(set));
  }

  #wrapEnd(original: AnyFunction): AnyFunction {
    const { ending, end } = this.#events;
    return function (this: unknown, ...args: unknown[]) {
      ending(this as OtelSpan);
      return end(() => Reflect.apply(original, this, args));
    };
  }

  #wrapSetAttribute(original: AnyFunction): AnyFunction {
    const { attributeSet } = this.#events;
    return function (this: unknown, ...args: unknown[]) {
      const result = Reflect.apply(original, this, args);
      attributeSet(this as OtelSpan, args[0] as string, args[1]);
      return result;
    };
  }
}

function isRecording(span: Partial<OtelSpan> | null | undefined): span is OtelSpan {
  return typeof span?.isRecording === 'function' && span.isRecording();
}

/** The prototype that has the method; an object's own one is somebody's wrapper of it. */
function ownerOf(object: object, method: string): object | undefined {
  let prototype: object | null = Object.getPrototypeOf(object);
  while (prototype !== null && prototype !== Object.prototype) {
    if (Object.hasOwn(prototype, method)) return prototype;
    prototype = Object.getPrototypeOf(prototype);
  }
  return undefined;
}
