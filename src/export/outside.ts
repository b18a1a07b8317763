/**
 * Uploads are our work, not the application's: they run outside of its scopes and its traces, and
 * nothing of its trace context travels with them.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** The context in which this module was loaded: no scope, no span. */
const atLoad = AsyncLocalStorage.snapshot();

/**
 * Where `@opentelemetry/api` keeps what is registered, the same for all its 1.x versions and copies.
 * Looked up and not imported: export must work, and start as fast, where the API is not installed.
 */
const API = Symbol.for('opentelemetry.js.api.1');
/** The context key by which instrumentations know that they must not trace (`suppressTracing`). */
const SUPPRESS_TRACING = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

interface OtelContext {
  setValue(key: symbol, value: unknown): OtelContext;
}
interface OtelContextManager {
  active(): Partial<OtelContext> | undefined;
  with<T>(context: OtelContext, fn: () => T): T;
}

/** Calls `fn` outside of any scope or span of the application; everything it starts stays outside. */
export function outside<T>(fn: () => T): T {
  return atLoad(() => {
    const manager = contextManager();
    // A context manager of the application's own may have no active context.
    const context = manager?.active();
    if (manager === undefined || typeof context?.setValue !== 'function') return fn();
    return manager.with(context.setValue(SUPPRESS_TRACING, true), fn);
  });
}

function contextManager(): OtelContextManager | undefined {
  const api: unknown = Reflect.get(globalThis, API);
  if (typeof api !== 'object' || api === null || !('context' in api)) return undefined;
  const manager = api.context as Partial<OtelContextManager> | undefined;
  const isComplete = typeof manager?.active === 'function' && typeof manager.with === 'function';
  return isComplete ? (manager as OtelContextManager) : undefined;
}
