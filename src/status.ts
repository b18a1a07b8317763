/** What `status()` tells. */
import type { LedgerStatus } from './attribution/ledger.ts';
import type { ScopeStoreStatus } from './attribution/scope-store.ts';
import type { SlotMechanism } from './attribution/slot.ts';
import type { CpuEngineStatus } from './cpu/engine.ts';
import type { ExporterStatus } from './export/exporter.ts';
import type { HeapEngineStatus } from './memory/engine.ts';
import type { MemoryStatus } from './memory/watch.ts';
import type { OtelStatus } from './otel/bridge.ts';
import type { ProcessFigures } from './process-figures.ts';
import type { Microseconds } from './units.ts';

/** One sampler: running, switched off by configuration, or unable to run and why. */
export type SamplerState = 'running' | 'off' | 'failed';

export interface Status {
  readonly state: 'running' | 'stopped' | 'disabled';
  readonly version: string;
  readonly serviceName: string;
  /** How samplers know the running scope on this Node; undefined while not running. */
  readonly mechanism: SlotMechanism | undefined;
  readonly cpu: { readonly state: SamplerState } & Partial<CpuEngineStatus>;
  readonly heap: { readonly state: SamplerState } & Partial<HeapEngineStatus>;
  /** Undefined while not running. */
  readonly memory: MemoryStatus | undefined;
  readonly windows: {
    readonly completed: number;
    /** Sum of the lengths of all completed windows. */
    readonly totalMicros: Microseconds;
  };
  readonly scopes: ScopeStoreStatus | undefined;
  /** Undefined while not running, and without the addon. */
  readonly bills: LedgerStatus | undefined;
  readonly profiles: {
    readonly delivered: number;
    readonly underWay: number;
    /** Given up because too many were under way. */
    readonly dropped: number;
  };
  readonly exporters: readonly ExporterStatus[];
  /** Where the endpoint's own server listens: URLs, or the path of a socket. */
  readonly endpoint: readonly string[];
  readonly process: ProcessFigures;
  /** CPU time of this thread spent on ending windows; encoding them comes on top. */
  readonly ownCpuMicros: Microseconds;
  /** What was said on stderr, oldest first. */
  readonly messages: readonly string[];
  readonly otel: OtelStatus;
}
