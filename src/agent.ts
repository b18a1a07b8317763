/**
 * The only place that builds the rooms and owns the order of start, flush and stop. One agent per
 * thread.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { hostname, tmpdir } from 'node:os';
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';
import { setFlagsFromString } from 'node:v8';
import { isMainThread, threadId } from 'node:worker_threads';
import { ScopeContext } from './attribution/context.ts';
import { ScopeStore } from './attribution/scope-store.ts';
import { createSlot, type Slot } from './attribution/slot.ts';
import { formatProblems, loadConfig } from './config/load.ts';
import type { Config, Options } from './config/schema.ts';
import type { CpuEngine } from './cpu/engine.ts';
import { NativeCpuEngine } from './cpu/native-engine.ts';
import { PortableCpuEngine } from './cpu/portable-engine.ts';
import { SpanprofError } from './errors.ts';
import { Delivery } from './export/delivery.ts';
import type { Exporter } from './export/exporter.ts';
import { FileExporter } from './export/file.ts';
import type { HeapEngine } from './memory/engine.ts';
import { NativeHeapEngine } from './memory/native-engine.ts';
import { PortableHeapEngine } from './memory/portable-engine.ts';
import { addon, addonProblem } from './native.ts';
import { bridge } from './otel/bridge.ts';
import { onProcessEnd, type ProcessEnd } from './process-end.ts';
import { merge } from './profile/merge.ts';
import type { Labels, Profile, ProfileType } from './profile/model.ts';
import { Reporter } from './report.ts';
import { shared } from './shared.ts';
import { SourceMaps } from './sourcemaps/source-maps.ts';
import type { SamplerState, Status } from './status.ts';
import { type Milliseconds, microseconds, milliseconds, secondsToMillis } from './units.ts';
import { VERSION } from './version.ts';
import { WindowClock } from './window-clock.ts';

/** Longest time the last window may take when a signal ends the process, or exporters on `stop()`. */
const SHUTDOWN_CAP_MILLIS: Milliseconds = milliseconds(2_000);

/** Everything that exists between start and stop. */
interface Running {
  readonly config: Config;
  readonly store: ScopeStore;
  readonly slot: Slot;
  readonly delivery: Delivery;
  readonly exporters: readonly Exporter[];
  readonly clock: WindowClock;
  readonly comments: readonly string[];
  readonly threadLabels: Labels;
  cpu: CpuEngine | undefined;
  cpuState: SamplerState;
  heap: HeapEngine | undefined;
  heapState: SamplerState;
  timer: NodeJS.Timeout | undefined;
}

/** Outside of whatever the application is doing when it calls `start()`: our timer must not hold that. */
const outside = AsyncLocalStorage.snapshot();

/** Profiles of one stretch of time, cut out of the running windows. */
export interface Recording {
  /** Ends it: at most one profile of each type, none where a sampler did not run. Once only. */
  end(): Map<ProfileType, Profile>;
}

export class Agent {
  readonly context: ScopeContext;
  readonly #reporter = new Reporter();
  #running: Running | undefined;
  #disabled = false;
  #stopping: Promise<void> | undefined;
  /** Stopped, but with profiles still under way. */
  readonly #leaving = new Set<Running>();
  /** The windows each open recording has got so far. */
  readonly #recordings = new Set<Profile[]>();
  #processEnd: ProcessEnd | undefined;
  #serviceName = '';
  #windows = 0;
  #windowNanos = 0n;
  #ownCpuNanos = 0;

  constructor(context: ScopeContext) {
    this.context = context;
  }

  // ---- start -------------------------------------------------------------------------------------

  /** Starts everything that can run; what cannot is reported and left out. Throws on bad options. */
  start(options?: Options): void {
    if (this.#running !== undefined) return;
    const { config, problems } = loadConfig({ options, env: process.env, cwd: currentFolder() });
    if (problems.length > 0) {
      const lines = formatProblems(problems);
      throw new SpanprofError(
        'CONFIG_INVALID',
        { count: problems.length, problems: lines },
        problems,
      );
    }
    this.#serviceName = config.serviceName;
    this.#disabled = !config.enabled;
    if (!config.enabled) return;
    if (addonProblem !== undefined) {
      this.#reporter.say('ADDON_UNAVAILABLE', {
        platform: `${process.platform}-${process.arch}`,
        abi: process.versions.modules,
        reason: addonProblem,
      });
    }
    const running = this.#build(config);
    this.#running = running;
    try {
      // Before the samplers: @datadog/pprof stops itself in an exit listener, ours must come first.
      this.#processEnd ??= onProcessEnd({
        addon,
        isMainThread,
        capMillis: SHUTDOWN_CAP_MILLIS,
        onExit: this.#onExit,
        onSignal: this.#endNow,
        onIgnoredSignal: () => void this.flush(),
      });
      this.#startSamplers(running);
      if (config.otel.enabled) this.#guard('otel', () => bridge.start(this.context));
      const windowMillis = secondsToMillis(config.windowSeconds);
      running.timer = outside(() => setInterval(() => this.#turn(), windowMillis).unref());
    } catch (error) {
      this.#tearDown(running);
      this.#leave(running);
      throw error;
    }
    // With nothing to deliver there is nothing to do at the end either.
    if (running.cpu === undefined && running.heap === undefined) this.#forgetProcessEnd();
  }

  /** For the preload: says what is wrong instead of throwing it into the application. */
  startSafely(): void {
    // A worker is preloaded like the main thread, which has said already what there is to say.
    this.#reporter.quiet = !isMainThread;
    try {
      this.start();
    } catch (error) {
      if (error instanceof SpanprofError) this.#reporter.sayLine(error.message);
      else this.#failed('start', error);
    }
  }

  #build(config: Config): Running {
    const sourceMaps = new SourceMaps();
    const resolve = sourceMaps.resolve.bind(sourceMaps);
    const exporters = this.#buildExporters(config);
    let cpu: CpuEngine | undefined;
    let heap: HeapEngine | undefined;
    const store = new ScopeStore(
      () => [...(cpu?.seenScopes() ?? []), ...(heap?.seenScopes() ?? [])],
      (scopeId) => heap?.holds(scopeId) ?? false,
    );
    const labelsFor = (scopeId: number): Labels | undefined => store.labelsOf(scopeId);
    if (config.heap.enabled) heap = this.#buildHeapEngine(config, resolve, labelsFor);
    let portable: PortableCpuEngine | undefined;
    if (config.cpu.enabled) {
      const { frequencyHertz } = config.cpu;
      const { windowSeconds } = config;
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
    }
    return {
      config,
      store,
      slot: createSlot(addon, this.context.storage, (scope) => portable?.setScope(scope)),
      exporters,
      delivery: new Delivery(exporters, {
        serviceName: config.serviceName,
        processId: process.pid,
        threadId: isMainThread ? undefined : threadId,
      }),
      clock: new WindowClock(),
      comments: describeProcess(config),
      threadLabels: isMainThread ? {} : { thread: `worker-${threadId}` },
      cpu,
      cpuState: 'off',
      heap,
      heapState: 'off',
      timer: undefined,
    };
  }

  #buildHeapEngine(
    config: Config,
    resolve: SourceMaps['resolve'],
    labelsFor: (scopeId: number) => Labels | undefined,
  ): HeapEngine {
    const { intervalBytes, labels } = config.heap;
    if (addon === undefined) return new PortableHeapEngine(intervalBytes);
    return new NativeHeapEngine({
      addon,
      intervalBytes,
      labels,
      resolve,
      labelsFor,
      runInScope: (fn) => this.context.runWithId(fn),
      reportUnlabelled: (reason) => this.#reporter.say('HEAP_LABELS_UNAVAILABLE', { reason }),
    });
  }

  #buildExporters(config: Config): Exporter[] {
    const report = this.#reporter.sayLine;
    for (const exporter of config.exporters) {
      if (exporter !== 'file') this.#reporter.say('EXPORTER_UNAVAILABLE', { exporter });
    }
    // An empty list was asked for: nothing is exported.
    if (config.exporters.length === 0) return [];
    return [new FileExporter({ ...config.file, report })];
  }

  #startSamplers(running: Running): void {
    const { cpu, heap, slot, store } = running;
    // Scopes first: the heap sampler's self-test needs them.
    this.context.activate(store, slot, this.#reporter.sayLabelLine);
    running.cpuState = this.#startSampler(cpu);
    if (running.cpuState !== 'running') running.cpu = undefined;
    running.heapState = this.#startSampler(heap);
    if (running.heapState !== 'running') running.heap = undefined;
    this.context.switchSlotOff();
    running.clock.turn();
  }

  #startSampler(sampler: { start(): void } | undefined): SamplerState {
    if (sampler === undefined) return 'off';
    try {
      sampler.start();
      return 'running';
    } catch (error) {
      if (error instanceof SpanprofError) this.#reporter.sayLine(error.message);
      else this.#failed('start', error);
      return 'failed';
    }
  }

  // ---- windows -----------------------------------------------------------------------------------

  /** Ends the running window, begins the next one, and sends the profiles on their way. */
  #turn(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#guard('window', () => {
      for (const profile of this.#collect(running, true)) running.delivery.deliver(profile);
    });
  }

  /** The profiles of the window that ends now. Never throws. */
  #collect(running: Running, goOn: boolean): Profile[] {
    const cpuBefore = addon?.threadCpuNanos() ?? 0;
    const profiles: Profile[] = [];
    const span = running.clock.turn();
    const { comments, threadLabels } = running;
    const window = { ...span, comments, threadLabels };
    this.#guard('cpu', () => {
      const collected = running.cpu?.collect(window, goOn);
      if (collected === undefined) return;
      profiles.push(collected.cpu);
      if (running.config.cpu.wall) profiles.push(collected.wall);
    });
    this.#guard('heap', () => {
      const collected = running.heap?.collect(window);
      if (collected !== undefined) profiles.push(collected);
    });
    running.store.release();
    for (const recording of this.#recordings) recording.push(...profiles);
    this.#windows++;
    this.#windowNanos += span.durationNanos;
    this.#ownCpuNanos += (addon?.threadCpuNanos() ?? 0) - cpuBefore;
    return profiles;
  }

  /** Ends the window now; resolves when exporters have taken its profiles, or after the cap. */
  async flush(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#turn();
    await within(SHUTDOWN_CAP_MILLIS, running.delivery.drain());
  }

  /**
   * Begins to record. The running window is split here and at the end, and both parts are exported as
   * always: the continuous profiles lose nothing. What is held grows with the recording's length; the
   * caller bounds it.
   */
  record(): Recording {
    this.#turn();
    const windows: Profile[] = [];
    this.#recordings.add(windows);
    return {
      end: () => {
        this.#turn();
        this.#recordings.delete(windows);
        return mergeByType(windows);
      },
    };
  }

  // ---- stop --------------------------------------------------------------------------------------

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return this.#stopping;
    for (const profile of this.#tearDown(running)) {
      this.#guard('deliver', () => running.delivery.deliver(profile));
    }
    this.#stopping = within(SHUTDOWN_CAP_MILLIS, running.delivery.drain()).finally(() =>
      this.#leave(running),
    );
    await this.#stopping;
  }

  readonly #onExit = (): void => {
    // Our last act must not leave jobs for V8's compiler threads: on Node 20 one that allocates while
    // the process is taken down aborts it ("(data.first) != nullptr" in node_platform.cc).
    if (isMainThread) this.#guard('stop', () => setFlagsFromString('--no-opt'));
    this.#endNow();
  };

  /** The process ends: everything that is left, synchronously. Never throws. */
  readonly #endNow = (): void => {
    const running = this.#running;
    if (running !== undefined) {
      for (const profile of this.#tearDown(running)) {
        this.#guard('deliver', () => running.delivery.deliverSync(profile));
      }
    }
    for (const leaving of this.#leaving) {
      this.#guard('deliver', () => leaving.delivery.finishSync());
      this.#leave(leaving);
    }
  };

  /** Takes everything back, in the opposite order of start; returns the last window's profiles. */
  #tearDown(running: Running): Profile[] {
    this.#running = undefined;
    this.#leaving.add(running);
    clearInterval(running.timer);
    let profiles: Profile[] = [];
    this.#guard('window', () => {
      profiles = this.#collect(running, false);
    });
    this.#guard('stop', () => running.cpu?.stop());
    this.#guard('stop', () => running.heap?.stop());
    this.#guard('stop', () => bridge.stop());
    this.#guard('stop', () => this.context.deactivate());
    return profiles;
  }

  /** What was under way has arrived or was given up. */
  #leave(running: Running): void {
    this.#leaving.delete(running);
    if (this.#running === undefined && this.#leaving.size === 0) this.#forgetProcessEnd();
  }

  #forgetProcessEnd(): void {
    const processEnd = this.#processEnd;
    this.#processEnd = undefined;
    this.#guard('stop', () => processEnd?.forget());
  }

  // ---- the rest ----------------------------------------------------------------------------------

  #guard(part: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#failed(part, error);
    }
  }

  #failed(part: string, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#reporter.say('INTERNAL', { part, reason });
  }

  status(): Status {
    const running = this.#running;
    const stoppedState = this.#disabled ? 'disabled' : 'stopped';
    return {
      state: running === undefined ? stoppedState : 'running',
      version: VERSION,
      serviceName: this.#serviceName,
      mechanism: running?.slot.mechanism,
      cpu: { state: running?.cpuState ?? 'off', ...running?.cpu?.status() },
      heap: { state: running?.heapState ?? 'off', ...running?.heap?.status() },
      windows: {
        completed: this.#windows,
        totalMicros: microseconds(Number(this.#windowNanos / 1_000n)),
      },
      scopes: running?.store.status(),
      profiles: running?.delivery.status() ?? { delivered: 0, underWay: 0, dropped: 0 },
      exporters: running?.exporters.map((exporter) => exporter.status()) ?? [],
      ownCpuMicros: microseconds(Math.round(this.#ownCpuNanos / 1_000)),
      messages: this.#reporter.lines,
      otel: bridge.status(),
    };
  }
}

/** One profile of each type. A live heap is a state, not a sum: of it the last window counts. */
function mergeByType(windows: readonly Profile[]): Map<ProfileType, Profile> {
  const byType = new Map<ProfileType, Profile>();
  for (const type of new Set(windows.map(({ profileType }) => profileType))) {
    const ofType = windows.filter(({ profileType }) => profileType === type);
    byType.set(type, merge(type === 'heap' ? ofType.slice(-1) : ofType));
  }
  return byType;
}

/** The current folder may have been removed; relative paths then start in the temporary one. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return tmpdir();
  }
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

/** Waits for `work`, but no longer than `capMillis`; does not keep the process alive. */
async function within(capMillis: Milliseconds, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const cap = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, capMillis).unref();
  });
  await Promise.race([work, cap]);
  clearTimeout(timer);
}

/** The agent of this thread. */
export const agent: Agent = shared('agent', () => new Agent(new ScopeContext()));
