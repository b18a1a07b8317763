/** What a bill looks like on a span. */
import type { Totals } from '../attribution/usage.ts';
import type { OtelSpan } from './api.ts';

/** On local roots: Grafana links a span to its flamegraph by it. */
export const PROFILE_ID = 'pyroscope.profile.id';

/** Whole numbers, inclusive of everything inside the span. */
export function writeBill(span: OtelSpan, totals: Totals): void {
  span.setAttribute('resource.cpu.micros', totals.cpuMicros);
  span.setAttribute('resource.memory.bytes', totals.allocatedBytes);
  span.setAttribute('resource.memory.peak', totals.peakHeapBytes);
  span.setAttribute('resource.memory.peak_live', totals.peakLiveBytes);
  span.setAttribute('resource.gc.micros', totals.gcMicros);
  span.setAttribute('resource.eventloop.longest_turn.micros', totals.longestTurnMicros);
  span.setAttribute('resource.attribution.method', totals.cpuMethod);
}
