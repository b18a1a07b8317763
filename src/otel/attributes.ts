/** What a bill looks like on a span. */
import type { Usage } from '../attribution/usage.ts';

/** On local roots: Grafana links a span to its flamegraph by it. */
export const PROFILE_ID = 'pyroscope.profile.id';

/** Attribute → value, whole numbers where the figure is one. Inclusive of everything inside the span. */
export function billAttributes(usage: Usage): Record<string, number | string> {
  return {
    'resource.cpu.micros': Math.round(usage.cpuMicros),
    'resource.memory.bytes': Math.round(usage.allocatedBytes),
    'resource.memory.peak': Math.round(usage.peakHeapBytes),
    'resource.memory.peak_live': Math.round(usage.peakLiveBytes),
    'resource.gc.micros': Math.round(usage.gcMicros),
    'resource.eventloop.longest_turn.micros': Math.round(usage.longestTurnMicros),
    'resource.attribution.method': usage.method.cpuMicros,
  };
}
