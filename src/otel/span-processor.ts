import type { OtelSpan } from './api.ts';
import { bridge } from './bridge.ts';

/**
 * Does at the start and the end of spans what spanprof otherwise does by itself: for tracers and spans
 * whose methods cannot be wrapped, say because they are frozen. A plain call where it is not needed or
 * no agent runs. Takes part in `spanProcessors` of SDK 2 and 3, in any place of the list.
 */
export class SpanprofSpanProcessor {
  onStart(span: OtelSpan, parentContext: unknown): void {
    bridge.started(span, undefined, parentContext);
  }

  /** Called while the span can still be written to, before any processor's `onEnd`. */
  onEnding(span: OtelSpan): void {
    bridge.ending(span);
  }

  onEnd(): void {}

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}
