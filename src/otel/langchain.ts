/**
 * LangChain and LangGraph. Their instrumentations start spans in callbacks, beside the code that the
 * spans are about, and never make them active. What LangChain does make current is the configuration
 * of a run, in an AsyncLocalStorage under a global key. So: the run's configuration names its tracers,
 * a tracer knows the run's span, and the span's scope is entered with the run.
 *
 * Callbacks run in the background, so the span may be started after the run it is about. Then a scope
 * is opened for it, and becomes the span's when the tracer files the span under the run's id.
 */
import type { LabelInput } from '../attribution/labels.ts';
import type { Scope } from '../attribution/scope.ts';
import type { OtelSpan } from './api.ts';
import { watchGlobal } from './globals.ts';
import type { Patches } from './patches.ts';

const STORAGE_KEY = Symbol.for('ls:tracing_async_local_storage');
const CONFIG_KEY = Symbol.for('lc:child_config');

/** What LangChain keeps in its AsyncLocalStorage, as far as we read it. */
interface RunStore {
  readonly extra?: { readonly [CONFIG_KEY]?: RunConfig };
}

interface RunConfig {
  readonly callbacks?: {
    readonly handlers?: readonly Handler[];
    getParentRunId?(): string | undefined;
  };
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** What OpenInference's tracer keeps of each run that is under way, by the run's id. */
type Runs = Record<string, { readonly span?: OtelSpan } | undefined>;

interface Handler {
  readonly runs?: Runs;
  /** LangChain's own, filled before anything is done in the background. */
  readonly runMap?: ReadonlyMap<string, { readonly parent_run_id?: string | undefined }>;
}

export interface LangChainScopes {
  /** The scope of a span, with further labels for it. */
  readonly scopeOf: (span: OtelSpan, labels: LabelInput) => Scope | undefined;
  /** Opens a scope for a span that is yet to start; in the current one if there is no parent. */
  readonly reserve: (labels: LabelInput, parent: Scope | undefined) => Scope | undefined;
  /** The span has started. */
  readonly redeem: (span: OtelSpan, reserved: Scope) => void;
  /** It will not start. */
  readonly release: (reserved: Scope) => void;
  readonly runIn: (scope: Scope, run: () => unknown) => unknown;
}

/** Runs whose tracer never files a span, say because tracing is suppressed, must not pile up. */
const MAX_RESERVED = 1_000;
/** Runs without a span one in the other; real graphs have two or three. */
const MAX_DEPTH = 32;

export function followLangChain(scopes: LangChainScopes, patches: Patches): void {
  const reserved = new Map<string, { readonly scope: Scope; readonly forget: () => void }>();
  patches.onRestore(() => {
    for (const { forget } of reserved.values()) forget();
  });

  /** Undefined if nothing traces the run. */
  const scopeOfRun = ({ callbacks, metadata }: RunConfig): Scope | undefined => {
    const runId = callbacks?.getParentRunId?.();
    const tracer = callbacks?.handlers?.find((handler) => handler.runs !== undefined);
    if (runId === undefined || tracer === undefined) return undefined;
    return scopeFor(runId, tracer, labelsOf(metadata ?? {}), MAX_DEPTH);
  };

  const scopeFor = (
    runId: string,
    tracer: Handler,
    labels: LabelInput,
    depth: number,
  ): Scope | undefined => {
    const { runs = {}, runMap } = tracer;
    const span = runs[runId]?.span;
    if (span !== undefined) return scopes.scopeOf(span, labels);
    const known = reserved.get(runId);
    if (known !== undefined) return known.scope;
    // Not every run makes its configuration current: the parent may be one that did not.
    const parentId = runMap?.get(runId)?.parent_run_id;
    const hasParent = parentId !== undefined && depth > 0;
    return reserve(
      runId,
      runs,
      labels,
      hasParent ? scopeFor(parentId, tracer, {}, depth - 1) : undefined,
    );
  };

  const reserve = (
    runId: string,
    runs: Runs,
    labels: LabelInput,
    parent: Scope | undefined,
  ): Scope | undefined => {
    const scope = scopes.reserve(labels, parent);
    if (scope === undefined) return undefined;
    const forget = (): void => {
      reserved.delete(runId);
      if (Object.getOwnPropertyDescriptor(runs, runId)?.set !== undefined) delete runs[runId];
    };
    Object.defineProperty(runs, runId, {
      configurable: true,
      get: () => undefined,
      set(value: Runs[string]) {
        forget();
        runs[runId] = value;
        if (value?.span !== undefined) scopes.redeem(value.span, scope);
      },
    });
    reserved.set(runId, { scope, forget });
    if (reserved.size > MAX_RESERVED) {
      const [oldest] = reserved.values();
      oldest?.forget();
      if (oldest !== undefined) scopes.release(oldest.scope);
    }
    return scope;
  };

  watchGlobal(
    STORAGE_KEY,
    (storage) => {
      patches.replace(
        storage,
        'run',
        (original) =>
          function (this: unknown, ...args: unknown[]) {
            const run = (): unknown => Reflect.apply(original, this, args);
            const config = (args[0] as RunStore | undefined)?.extra?.[CONFIG_KEY];
            const scope = config === undefined ? undefined : quietly(() => scopeOfRun(config));
            return scope === undefined ? run() : scopes.runIn(scope, run);
          },
      );
    },
    patches,
  );
}

/** These shapes are LangChain's own business: if they change, its runs go on without a scope. */
function quietly<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The agent is the one LangChain names, else the outermost node of the graph. */
function labelsOf(metadata: Readonly<Record<string, unknown>>): LabelInput {
  const path = text(metadata['langgraph_checkpoint_ns']);
  const outermost = path?.split('|', 1)[0]?.split(':', 1)[0];
  const node = outermost ?? text(metadata['langgraph_node']);
  // The graph's own nodes, `__start__` and the like, are nobody.
  const agent = node?.startsWith('__') === true ? undefined : node;
  return {
    agent_name: text(metadata['lc_agent_name']) ?? agent,
    session_id: text(metadata['thread_id']),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
