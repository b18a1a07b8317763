/**
 * Ties the application's OpenTelemetry to scopes: every activation of a recording span enters the
 * span's scope, and every span carries its bill when it ends.
 *
 * Nothing here may throw into the application: whatever fails on our side is counted, and the
 * application's own call is made all the same.
 */
import type { ScopeContext } from '../attribution/context.ts';
import type { Scope } from '../attribution/scope.ts';
import { shared } from '../shared.ts';
import {
  type AnyFunction,
  type OtelAttachment,
  type OtelContext,
  type OtelContextManager,
  type OtelProxyTracerProvider,
  type OtelSpan,
  type OtelStartOptions,
  type OtelTracerProvider,
  SUPPRESSED_KEY,
  spanIn,
} from './api.ts';
import { isRelevant } from './genai.ts';
import { watchRegistrations } from './globals.ts';
import { followLangChain } from './langchain.ts';
import { Patches } from './patches.ts';
import { SpanHooks } from './span-hooks.ts';
import { SpanScopes, type Switch } from './span-scopes.ts';

export interface OtelStatus {
  /** `waiting`: the application has not registered a context manager (yet). */
  readonly state: 'off' | 'waiting' | 'linked';
  /** Recording spans that got a scope. */
  readonly spans: number;
  /** Spans or activations that could not be followed. */
  readonly failures: number;
}

export class OpenTelemetryBridge {
  #patches = new Patches();
  #context: ScopeContext | undefined;
  #scopes: SpanScopes | undefined;
  #hooks: SpanHooks | undefined;
  #manager: OtelContextManager | undefined;
  #failures = 0;

  start(context: ScopeContext): void {
    if (this.#context !== undefined) return;
    this.#patches = new Patches();
    this.#failures = 0;
    this.#context = context;
    this.#scopes = new SpanScopes(context, (span) => this.#hooks?.adoptClassOf(span));
    this.#hooks = new SpanHooks(
      {
        started: this.started,
        ending: this.ending,
        attributeSet: this.#attributeSet,
        end: (end) =>
          this.#context === undefined ? end() : this.#context.runIn(undefined, end, []),
      },
      this.#patches,
    );
    watchRegistrations(
      {
        context: (manager) => this.#safely(() => this.#adoptManager(manager as OtelContextManager)),
        trace: (proxy) => this.#safely(() => this.#adoptTrace(proxy as OtelProxyTracerProvider)),
      },
      this.#patches,
    );
    followLangChain(
      {
        scopeOf: (span, labels) => this.#scopes?.scopeOf(span, labels),
        reserve: (labels, parent) => this.#scopes?.reserve(labels, parent),
        redeem: (span, reserved) => this.#safely(() => this.#scopes?.redeem(span, reserved)),
        release: (reserved) => this.#scopes?.release(reserved),
        runIn: (scope, run) => context.runIn(scope, run, []),
      },
      this.#patches,
    );
  }

  /** Takes every wrapper back. */
  stop(): void {
    this.#context = undefined;
    this.#scopes = undefined;
    this.#hooks = undefined;
    this.#manager = undefined;
    this.#patches.restore();
  }

  status(): OtelStatus {
    const linked = this.#manager === undefined ? 'waiting' : 'linked';
    return {
      state: this.#context === undefined ? 'off' : linked,
      spans: this.#scopes?.spans ?? 0,
      failures: this.#failures,
    };
  }

  // ---- activation --------------------------------------------------------------------------------

  #adoptManager(manager: OtelContextManager): void {
    const isWrapped = this.#patches.replace(manager, 'with', (original) =>
      this.#wrapWith(original),
    );
    if (isWrapped) this.#manager = manager;
    else this.#failures++;
    // Where a manager has none there is nothing to follow.
    this.#patches.replace(manager, 'attach', (original) => this.#wrapAttach(original));
  }

  /**
   * `with` is the way into a context: `bind`, `startActiveSpan` and wrapped event emitters come
   * through it. Called for every activation, so: two lookups and a comparison where nothing changes.
   */
  #wrapWith(original: AnyFunction): AnyFunction {
    const bridge = this;
    return function (this: unknown, ...args: unknown[]) {
      const change = bridge.#switchFor(this as OtelContextManager, args[0] as OtelContext);
      if (change === undefined) return Reflect.apply(original, this, args);
      const call = (): unknown => Reflect.apply(original, this, args);
      return bridge.#context === undefined ? call() : bridge.#context.runIn(change.scope, call, []);
    };
  }

  /** Beside `with` the only way in: the context stays until the returned object's `dispose`. */
  #wrapAttach(original: AnyFunction): AnyFunction {
    const bridge = this;
    return function (this: unknown, ...args: unknown[]) {
      const change = bridge.#switchFor(this as OtelContextManager, args[0] as OtelContext);
      const attachment = Reflect.apply(original, this, args) as OtelAttachment;
      if (change !== undefined) {
        bridge.#safely(() => bridge.#followAttachment(attachment, change.scope));
      }
      return attachment;
    };
  }

  #followAttachment(attachment: OtelAttachment, scope: Scope | undefined): void {
    const dispose = attachment.dispose.bind(attachment);
    const detach = this.#context?.attach(scope);
    let isDisposed = false;
    const isFollowed = Reflect.defineProperty(attachment, 'dispose', {
      configurable: true,
      writable: true,
      value: () => {
        dispose();
        if (!isDisposed) detach?.();
        isDisposed = true;
      },
    });
    if (isFollowed) return;
    detach?.();
    this.#failures++;
  }

  #switchFor(manager: OtelContextManager, context: OtelContext): Switch {
    const scopes = this.#scopes;
    if (scopes === undefined) return undefined;
    try {
      // Work of exporters and SDKs about which nothing is traced belongs to whoever asked for it.
      if (context.getValue(SUPPRESSED_KEY) === true) return undefined;
      return scopes.switchFor(spanIn(context), spanIn(manager.active()));
    } catch {
      this.#failures++;
      return undefined;
    }
  }

  // ---- spans -------------------------------------------------------------------------------------

  #adoptTrace(proxy: OtelProxyTracerProvider): void {
    const adopt = (provider: OtelTracerProvider): void =>
      this.#safely(() => this.#hooks?.adoptProvider(provider));
    // The API registers its proxy first and gives it the provider then.
    this.#patches.replace(
      proxy,
      'setDelegate',
      (setDelegate) =>
        function (this: unknown, ...args: unknown[]) {
          const result = Reflect.apply(setDelegate, this, args);
          adopt(args[0] as OtelTracerProvider);
          return result;
        },
    );
    adopt(proxy.getDelegate());
  }

  /** A span was started; opens its scope if it records. */
  readonly started = (
    span: OtelSpan,
    options: OtelStartOptions | undefined,
    context: unknown,
  ): void => {
    this.#safely(() => {
      if (this.#scopes === undefined || !span.isRecording()) return;
      const active = this.#manager?.active();
      const parent = options?.root === true ? undefined : ((context as OtelContext) ?? active);
      this.#scopes.open(span, spanIn(parent), spanIn(active));
    });
  };

  /** A span is about to end; puts its bill on it, once. */
  readonly ending = (span: OtelSpan): void => {
    this.#safely(() => {
      if (this.#scopes !== undefined && span.isRecording()) this.#scopes.ending(span);
    });
  };

  readonly #attributeSet = (span: OtelSpan, key: string, value: unknown): void => {
    // Most mean nothing to us, our own among them.
    if (isRelevant(key)) this.#safely(() => this.#scopes?.attributeSet(span, key, value));
  };

  #safely(action: () => void): void {
    try {
      action();
    } catch {
      this.#failures++;
    }
  }
}

/** The bridge of this thread. */
export const bridge: OpenTelemetryBridge = shared('otel', () => new OpenTelemetryBridge());
