/** Live heap where the addon cannot load: @datadog/pprof's sampler, without labels. */
import { createRequire } from 'node:module';
import type { Profile as PprofProfile } from 'pprof-format';
import { SpanprofError } from '../errors.ts';
import { fromPprofFormat } from '../profile/from-pprof-format.ts';
import type { Profile } from '../profile/model.ts';
import type { Bytes } from '../units.ts';
import {
  type HeapEngine,
  type HeapEngineStatus,
  type HeapProfiles,
  type HeapWindow,
  heapHeader,
  type LiveProfile,
} from './engine.ts';
import { HEAP_STACK_DEPTH } from './limits.ts';

/** The part of @datadog/pprof 5.20 used here. */
interface HeapProfiler {
  start(intervalBytes: number, stackDepth: number): void;
  stop(): void;
  profile(
    ignoreSamplePath: undefined,
    sourceMapper: undefined,
    generateLabels: () => Record<string, string | number>,
  ): PprofProfile;
}

export class PortableHeapEngine implements HeapEngine {
  readonly #intervalBytes: Bytes;
  #heap: HeapProfiler | undefined;

  constructor(intervalBytes: Bytes) {
    this.#intervalBytes = intervalBytes;
  }

  start(): void {
    try {
      const require = createRequire(import.meta.url);
      const { heap } = require('@datadog/pprof') as { heap: HeapProfiler };
      heap.start(this.#intervalBytes, HEAP_STACK_DEPTH);
      this.#heap = heap;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new SpanprofError('HEAP_START_FAILED', { reason: reason.split('\n', 1)[0] ?? reason });
    }
  }

  collect(window: HeapWindow): HeapProfiles | undefined {
    try {
      const collected = this.#heap?.profile(undefined, undefined, () => ({
        ...window.threadLabels,
      }));
      if (collected === undefined) return undefined;
      const header = heapHeader('heap', this.#intervalBytes, window);
      const live: LiveProfile = {
        heap: { ...fromPprofFormat(collected), ...header },
        ages: { survivedBytes: [], settledBytes: [] },
      };
      return { live: () => live, allocs: undefined };
    } catch {
      this.#heap = undefined; // another party ended the sampling
      return undefined;
    }
  }

  snapshot(window: HeapWindow): Profile | undefined {
    return this.collect(window)?.live().heap;
  }

  stop(): void {
    try {
      this.#heap?.stop();
    } catch {
      // Already ended by another party.
    }
    this.#heap = undefined;
  }

  seenScopes(): Iterable<number> {
    return [];
  }

  holds(): boolean {
    return false;
  }

  status(): HeapEngineStatus {
    return { labels: false, restarts: 0, allocs: undefined };
  }
}
