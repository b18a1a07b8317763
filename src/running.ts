/** Everything that exists between start and stop, and how it is put together. */
import { hostname } from 'node:os';
import { isMainThread, threadId } from 'node:worker_threads';
import type { ScopeContext } from './attribution/context.ts';
import { Ledger } from './attribution/ledger.ts';
import { ScopeStore } from './attribution/scope-store.ts';
import { createSlot, type Slot } from './attribution/slot.ts';
import type { Config } from './config/schema.ts';
import type { CpuEngine } from './cpu/engine.ts';
import { NativeCpuEngine } from './cpu/native-engine.ts';
import { PortableCpuEngine } from './cpu/portable-engine.ts';
import type { OpenEndpoint } from './endpoint/open.ts';
import { buildOutlets } from './export/build.ts';
import { Delivery } from './export/delivery.ts';
import type { Exporter, ExporterStatus } from './export/exporter.ts';
import type { GcpOnline } from './export/gcp/online.ts';
import type { OwnExporter } from './export/own.ts';
import type { HeapEngine } from './memory/engine.ts';
import { NativeHeapEngine } from './memory/native-engine.ts';
import { PortableHeapEngine } from './memory/portable-engine.ts';
import { MemoryWatch } from './memory/watch.ts';
import { addon } from './native.ts';
import type { Labels, Profile } from './profile/model.ts';
import type { Recording, RecordOptions } from './recording.ts';
import type { Reporter } from './report.ts';
import { SourceMaps } from './sourcemaps/source-maps.ts';
import type { SamplerState } from './status.ts';
import { MILLIS_PER_SECOND, type Milliseconds, milliseconds, secondsToMillis } from './units.ts';
import { VERSION } from './version.ts';
import { WindowClock } from './window-clock.ts';

/** Everything that exists between start and stop. */
export interface Running {
  readonly config: Config;
  readonly store: ScopeStore;
  readonly slot: Slot;
  readonly ledger: Ledger | undefined;
  readonly delivery: Delivery;
  readonly exporters: readonly Exporter[];
  /** Takes no windows: it records when Google's server asks for it. */
  readonly gcpOnline: GcpOnline | undefined;
  readonly clock: WindowClock;
  readonly comments: readonly string[];
  readonly threadLabels: Labels;
  readonly startMillis: Milliseconds;
  cpu: CpuEngine | undefined;
  cpuState: SamplerState;
  heap: HeapEngine | undefined;
  heapState: SamplerState;
  readonly memory: MemoryWatch;
  timer: NodeJS.Timeout | undefined;
  /** Engines that the configuration leaves off; a recording may borrow them. */
  readonly idle: { cpu: CpuEngine | undefined; heap: HeapEngine | undefined };
  /** What recordings have cut off the running window so far; exported with the rest of it. */
  parts: Profile[];
  /** Runs for recordings alone: profiling is switched off otherwise. */
  readonly onDemand: boolean;
  endpoint: OpenEndpoint | undefined;
}

/** What the rooms need of the agent. */
export interface Needs {
  readonly context: () => ScopeContext;
  /** Calls a function outside of whatever the application is doing. */
  readonly outside: <Result>(fn: () => Result) => Result;
  readonly say: Reporter['say'];
  readonly report: (message: string) => void;
  readonly record: (options: RecordOptions) => Recording;
  /** Ends a part of the running window. */
  readonly lookAgain: () => void;
  readonly onNearHeapLimit: () => void;
  /** Calls what no signal may cut in two; what it throws is reported. */
  readonly whole: (action: () => void) => void;
}

/** Builds every room for one session; nothing runs yet. `onDemand`: for recordings alone. */
export function buildRunning(
  config: Config,
  own: readonly OwnExporter[],
  onDemand: boolean,
  needs: Needs,
): Running {
  const sourceMaps = new SourceMaps();
  const resolve = sourceMaps.resolve.bind(sourceMaps);
  const { outlets, gcpOnline } = buildOutlets(config, own, {
    report: needs.report,
    // It offers what runs: samplers that are switched off stay off.
    record: () => needs.record({ cpu: false, heap: false }),
  });
  const store = new ScopeStore(
    () => [...(running.cpu?.seenScopes() ?? []), ...(running.heap?.seenScopes() ?? [])],
    (scopeId) => running.heap?.holds(scopeId) ?? false,
  );
  const labelsFor = (scopeId: number): Labels | undefined => store.labelsOf(scopeId);
  const heap = buildHeapEngine(config, resolve, labelsFor, needs);
  const { frequencyHertz } = config.cpu;
  const { windowSeconds } = config;
  let portable: PortableCpuEngine | undefined;
  let cpu: CpuEngine;
  if (addon === undefined) {
    portable = new PortableCpuEngine({ frequencyHertz, windowSeconds });
    cpu = portable;
  } else {
    cpu = new NativeCpuEngine({
      addon,
      frequencyHertz,
      windowSeconds,
      labelsFor,
      resolve,
      reportsNonJsThreads: isMainThread,
    });
  }
  const slot = createSlot(addon, needs.context().storage, (scope) => portable?.setScope(scope));
  const ledger = buildLedger(
    config,
    slot,
    store,
    () => heap.status().labels ?? false,
    () => running.cpuState === 'running',
    needs,
  );
  const running: Running = {
    config,
    store,
    slot,
    ledger,
    exporters: outlets.map(({ exporter }) => exporter),
    gcpOnline,
    delivery: new Delivery(
      outlets,
      {
        serviceName: config.serviceName,
        processId: process.pid,
        threadId: isMainThread ? undefined : threadId,
      },
      { inTurns: isMainThread, whole: needs.whole },
    ),
    clock: new WindowClock(),
    comments: describeProcess(config),
    threadLabels: isMainThread ? {} : { thread: `worker-${threadId}` },
    startMillis: milliseconds(Date.now()),
    cpu: config.cpu.enabled ? cpu : undefined,
    cpuState: 'off',
    heap: config.heap.enabled ? heap : undefined,
    heapState: 'off',
    memory: new MemoryWatch({
      addon,
      intervalBytes: config.heap.intervalBytes,
      windowMillis: secondsToMillis(windowSeconds),
      outside: needs.outside,
      lookAgain: needs.lookAgain,
      onNearHeapLimit: needs.onNearHeapLimit,
    }),
    timer: undefined,
    idle: {
      cpu: config.cpu.enabled ? undefined : cpu,
      heap: config.heap.enabled ? undefined : heap,
    },
    parts: [],
    onDemand,
    endpoint: undefined,
  };
  return running;
}

function buildLedger(
  config: Config,
  slot: Slot,
  store: ScopeStore,
  heapIsLabelled: () => boolean,
  cpuRuns: () => boolean,
  { context, outside }: Needs,
): Ledger | undefined {
  const { cpu, bytes } = config.attribution;
  if (addon === undefined || (cpu === 'off' && bytes === 'off')) return undefined;
  const { storage, setEnterBill } = context();
  return new Ledger({
    ...{ addon, slot, storage, outside },
    setEnter: setEnterBill,
    scopeOf: (scopeId) => store.scopeOf(scopeId),
    heapIntervalBytes: () =>
      bytes !== 'off' && heapIsLabelled() ? config.heap.intervalBytes : undefined,
    cpu,
    countsBytes: bytes === 'exact' && cpu === 'exact',
    budgetPercent: config.attribution.budgetPercent,
    maxLooksPerSecond: config.attribution.maxSwitchesPerSecond,
    cpuPeriodMillis: () =>
      cpuRuns() && cpu !== 'off' ? MILLIS_PER_SECOND / config.cpu.frequencyHertz : undefined,
  });
}

function buildHeapEngine(
  config: Config,
  resolve: SourceMaps['resolve'],
  labelsFor: (scopeId: number) => Labels | undefined,
  { context, say }: Needs,
): HeapEngine {
  const { intervalBytes, labels, allocs, allocsPerSecond } = config.heap;
  if (addon === undefined) return new PortableHeapEngine(intervalBytes);
  return new NativeHeapEngine({
    addon,
    intervalBytes,
    labels,
    allocsPerSecond: allocs ? allocsPerSecond : 0,
    resolve,
    labelsFor,
    runInScope: (fn) => context().runWithId(fn),
    reportUnlabelled: (reason) => say('HEAP_LABELS_UNAVAILABLE', { reason }),
  });
}

/** What a person wants to know of a profile found on a disk. */
function describeProcess(config: Config): string[] {
  const labels = Object.entries(config.labels).map(([key, value]) => `${key}=${value}`);
  return [
    `service=${config.serviceName}`,
    `host=${hostname()}`,
    `pid=${process.pid}`,
    ...(isMainThread ? [] : [`thread=${threadId}`]),
    `node=${process.version}`,
    `spanprof=${VERSION}`,
    ...labels,
  ];
}

export function exporterStatus({ exporters, gcpOnline }: Running): ExporterStatus[] {
  return [...exporters, ...(gcpOnline === undefined ? [] : [gcpOnline])].map((exporter) =>
    exporter.status(),
  );
}
