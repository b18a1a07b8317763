/** A real OpenTelemetry SDK 2 in the test's own process, and what it hands to an exporter. */
import { type ContextManager, context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';

export interface Sdk {
  readonly manager: ContextManager;
  readonly provider: BasicTracerProvider;
  /** The ended span of that name, as an exporter got it. */
  spanNamed(name: string): ReadableSpan;
  unregister(): Promise<void>;
}

/** Registers an SDK globally, as an application does at its start. */
export function registerSdk(
  options: { sampler?: Sampler; before?: readonly SpanProcessor[] } = {},
): Sdk {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    ...(options.sampler === undefined ? {} : { sampler: options.sampler }),
    spanProcessors: [...(options.before ?? []), new SimpleSpanProcessor(exporter)],
  });
  const manager = new AsyncLocalStorageContextManager().enable();
  if (!context.setGlobalContextManager(manager)) throw new Error('a context manager was there');
  if (!trace.setGlobalTracerProvider(provider)) throw new Error('a provider was there');
  return {
    manager,
    provider,
    spanNamed(name) {
      const found = exporter.getFinishedSpans().filter((span) => span.name === name);
      const [span] = found;
      if (span === undefined || found.length > 1) throw new Error(`${found.length} spans ${name}`);
      return span;
    },
    async unregister() {
      context.disable();
      trace.disable();
      propagation.disable();
      await provider.shutdown();
    },
  };
}
