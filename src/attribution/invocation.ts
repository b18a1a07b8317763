/** Invocations as the application uses them: `measure`, `invocation`, `usage`. */
import type { ScopeContext } from './context.ts';
import type { LabelInput } from './labels.ts';
import type { Scope } from './scope.ts';
import { NO_USAGE, type Usage } from './usage.ts';

/** What `measure` gives. */
export interface Measured<Result> {
  readonly result: Awaited<Result>;
  readonly usage: Usage;
}

/** One unit of work, from now until `end()`. */
export interface Invocation {
  /** Calls `fn(...args)` as part of it and returns what it returns; any number of times. */
  run<Args extends unknown[], Result>(fn: (...args: Args) => Result, ...args: Args): Result;
  /** The bill so far; after `end()` with the work that went on. */
  usage(): Usage;
  /** Closes the bill and returns it; calls after the first return the same. */
  end(): Usage;
}

/** Bills of failed measurements, as long as somebody has the error. */
const usageByError = new WeakMap<object, Usage>();

export async function measure<Args extends unknown[], Result>(
  context: ScopeContext,
  labels: LabelInput,
  fn: (...args: Args) => Result | PromiseLike<Result>,
  args: Args,
): Promise<Measured<Result>> {
  const scope = openInvocation(context, labels);
  try {
    const result = await context.runIn(scope, fn, args);
    return { result, usage: close(context, scope) };
  } catch (error) {
    const usage = close(context, scope);
    if ((typeof error === 'object' && error !== null) || typeof error === 'function') {
      usageByError.set(error, usage);
    }
    throw error;
  }
}

export function usageOf(error: unknown): Usage | undefined {
  return usageByError.get(error as object);
}

export function invocation(context: ScopeContext, labels: LabelInput): Invocation {
  const scope = openInvocation(context, labels);
  const bill = scope?.bill;
  let ended: Usage | undefined;
  return {
    run: (fn, ...args) => context.runIn(scope, fn, args),
    usage: () => (bill && context.ledger?.usageOf(bill)) ?? NO_USAGE,
    end: () => (ended ??= close(context, scope)),
  };
}

export function currentUsage(context: ScopeContext): Usage | undefined {
  const scope = context.storage.getStore();
  return scope && context.ledger?.usageOf(scope.bill);
}

function openInvocation(context: ScopeContext, labels: LabelInput): Scope | undefined {
  return context.openScope(labels, { parent: context.storage.getStore(), kind: 'invocation' });
}

function close(context: ScopeContext, scope: Scope | undefined): Usage {
  return (scope && context.ledger?.close(scope)) ?? NO_USAGE;
}
