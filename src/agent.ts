/**
 * Owns the order of start, window, flush and stop. One agent per thread. What it runs is put
 * together in running.ts.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { tmpdir } from 'node:os';
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';
import { setFlagsFromString } from 'node:v8';
import { isMainThread } from 'node:worker_threads';
import { ScopeContext } from './attribution/context.ts';
import { formatProblems, loadConfig } from './config/load.ts';
import { type Config, type Options, SCHEMA } from './config/schema.ts';
import type { EndpointSource } from './endpoint/source.ts';
import type { UsageSnapshot } from './endpoint/usage.ts';
import { usageSnapshot } from './endpoint/usage-snapshot.ts';
import { SpanprofError } from './errors.ts';
import { type OwnExporter, type StartOptions, takeOwnExporters } from './export/own.ts';
import { addon, addonProblem } from './native.ts';
import { bridge } from './otel/bridge.ts';
import { onProcessEnd, type ProcessEnd } from './process-end.ts';
import { processFigures } from './process-figures.ts';
import type { Profile, ProfileType } from './profile/model.ts';
import { lazy, type Unbuilt } from './profile/unbuilt.ts';
import {
  joined,
  mergeByType,
  onDemandConfig,
  type Recording,
  type RecordOptions,
} from './recording.ts';
import { Reporter } from './report.ts';
import { buildRunning, exporterStatus, type Needs, type Running } from './running.ts';
import { shared } from './shared.ts';
import type { SamplerState, Status } from './status.ts';
import {
  type Milliseconds,
  microseconds,
  milliseconds,
  seconds,
  secondsToMillis,
} from './units.ts';
import { VERSION } from './version.ts';

/** Longest time the last window may take when a signal ends the process, or exporters on `stop()`. */
const SHUTDOWN_CAP_MILLIS: Milliseconds = milliseconds(2_000);

/** Parts of a window that are kept apart; beyond it they are put together at once. */
const MAX_PARTS = 32;

/** Outside of whatever the application is doing when it calls `start()`: our timer must not hold that. */
const outside = AsyncLocalStorage.snapshot();

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

  /** What the rooms need of us. */
  readonly #parts: Needs = {
    context: () => this.context,
    outside,
    say: (code, details) => this.#reporter.say(code, details),
    report: (message) => this.#reporter.sayLine(message),
    record: (options) => this.record(options),
    lookAgain: () => this.#cut(),
    whole: (action) => this.#whole('window', action),
    onNearHeapLimit: () => this.#onNearHeapLimit(),
  };

  /** What the endpoint needs of us. */
  readonly endpointSource: EndpointSource = {
    record: (needs) => this.record(needs),
    frequencyHertz: () =>
      this.#running?.config.cpu.frequencyHertz ?? SCHEMA.cpu.frequencyHertz.fallback ?? 0,
    status: () => this.status(),
    serviceName: () => this.#serviceName || 'this program',
    usage: () => this.#usage(),
  };

  constructor(context: ScopeContext) {
    this.context = context;
  }

  // ---- start -------------------------------------------------------------------------------------

  /** Starts everything that can run; what cannot is reported and left out. Throws on bad options. */
  start(given?: StartOptions): void {
    if (this.#running?.onDemand === false) return;
    const { options, own } = takeOwnExporters(given);
    const config = this.#configure(options);
    this.#disabled = !config.enabled;
    // Open recordings go on with the new samplers, or get nothing more.
    if (this.#running !== undefined) this.#abandon(this.#running);
    if (!config.enabled) return;
    this.#begin(config, own, false);
  }

  #configure(options?: Options): Config {
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
    return config;
  }

  #begin(config: Config, own: readonly OwnExporter[], onDemand: boolean): void {
    if (addonProblem !== undefined) {
      this.#reporter.say('ADDON_UNAVAILABLE', {
        platform: `${process.platform}-${process.arch}`,
        abi: process.versions.modules,
        reason: addonProblem,
      });
    }
    const running = buildRunning(config, own, onDemand, this.#parts);
    this.#running = running;
    try {
      // Before the samplers: @datadog/pprof stops itself in an exit listener, ours must come first.
      this.#watchProcessEnd();
      this.#startSamplers(running);
      if (config.otel.enabled) this.#guard('otel', () => bridge.start(this.context));
      const windowMillis = secondsToMillis(config.windowSeconds);
      running.timer = outside(() => setInterval(() => this.#turn(), windowMillis).unref());
      if (running.cpu !== undefined || running.heap !== undefined) {
        outside(() => running.gcpOnline?.start());
      }
    } catch (error) {
      this.#tearDown(running);
      this.#leave(running);
      throw error;
    }
    this.#forgetIdleProcessEnd(running);
    if (!onDemand && isMainThread) void outside(() => this.#listen(running));
  }

  /** The endpoint's own server, where the configuration wants one; nothing is loaded otherwise. */
  async #listen(running: Running): Promise<void> {
    const { endpoint } = running.config;
    if (endpoint.port === undefined && endpoint.socket === undefined) return;
    try {
      const { openEndpoint } = await import('./endpoint/open.ts');
      running.endpoint = await openEndpoint(endpoint, this.endpointSource);
      for (const reason of running.endpoint.problems) {
        this.#reporter.say('ENDPOINT_UNAVAILABLE', { reason });
      }
      if (this.#running !== running) running.endpoint.close();
    } catch (error) {
      this.#failed('endpoint', error);
    }
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

  #startSamplers(running: Running): void {
    const { cpu, heap, ledger, slot, store } = running;
    // Scopes first: the heap sampler's self-test needs them.
    this.context.activate(store, slot, ledger, this.#reporter.sayLabelLine);
    running.cpuState = this.#startSampler(cpu);
    if (running.cpuState !== 'running') running.cpu = undefined;
    running.heapState = this.#startSampler(heap);
    if (running.heapState !== 'running') running.heap = undefined;
    this.context.switchSlotOff();
    running.memory.start();
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
    this.#whole('window', () => {
      for (const profile of this.#endWindow(running, true)) running.delivery.deliver(profile);
    });
  }

  /** The profiles of the whole window that ends now, with what recordings have cut off it. */
  #endWindow(running: Running, goOn: boolean): Unbuilt[] {
    const last = this.#collect(running, goOn);
    const parts = running.parts.splice(0);
    this.#windows++;
    return exported(running.config, parts.length === 0 ? last : joined(parts, last));
  }

  /** Ends a part of the running window and begins the next. */
  #cut(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#whole('window', () => {
      running.parts.push(...exported(running.config, this.#built(this.#collect(running, true))));
      // Or they would grow with every request until the window ends.
      if (running.parts.length > MAX_PARTS) {
        running.parts = [...mergeByType(running.parts).values()];
      }
    });
  }

  /**
   * The profiles of the part of a window that ends now: all samplers at the same moment, and the labels
   * as long as they are known. To build them takes longer and may wait, but not for the next part.
   * Never throws.
   */
  #collect(running: Running, goOn: boolean): Unbuilt[] {
    // In the order of time: the search for leaks looks at every heap that is built.
    running.delivery.build();
    const cpuBefore = addon?.threadCpuNanos() ?? 0;
    // The samplers forget what they hand over, before it is labelled.
    this.#guard('scopes', () => running.store.keepSeen());
    const collected: Unbuilt[] = [];
    const add = (profileType: ProfileType, build: () => Profile): void => {
      collected.push({ profileType, build: lazy(() => this.#ourCpu(build)) });
    };
    const span = running.clock.turn();
    const { comments, threadLabels } = running;
    const window = { ...span, comments, threadLabels };
    this.#guard('cpu', () => {
      const profiles = running.cpu?.collect(window, goOn);
      if (profiles === undefined) return;
      add('cpu', profiles.cpu);
      if (running.config.cpu.wall || this.#recordings.size > 0) add('wall', profiles.wall);
    });
    this.#guard('memory', () => running.memory.collect());
    this.#guard('heap', () => {
      const profiles = running.heap?.collect(window, goOn);
      if (profiles === undefined) return running.memory.forgetLive();
      add('heap', () => running.memory.inspect(profiles.live()));
      if (profiles.allocs !== undefined) add('allocs', profiles.allocs);
    });
    running.store.release();
    this.#windowNanos += span.durationNanos;
    this.#ownCpuNanos += (addon?.threadCpuNanos() ?? 0) - cpuBefore;
    // They want theirs at once.
    for (const recording of this.#recordings) recording.push(...this.#built(collected));
    return collected;
  }

  /** Those that can be built, at once. */
  #built(collected: readonly Unbuilt[]): Profile[] {
    const profiles: Profile[] = [];
    for (const { build } of collected) this.#guard('build', () => profiles.push(build()));
    return profiles;
  }

  #ourCpu(build: () => Profile): Profile {
    const cpuBefore = addon?.threadCpuNanos() ?? 0;
    const profile = build();
    this.#ownCpuNanos += (addon?.threadCpuNanos() ?? 0) - cpuBefore;
    return profile;
  }

  /** V8's heap is nearly full, and the process about to end: what is alive goes to disk now. */
  readonly #onNearHeapLimit = (): void => {
    const running = this.#running;
    if (running === undefined) return;
    this.#guard('heap limit', () => {
      const { clock, comments, threadLabels, delivery } = running;
      const window = { ...clock.look(), comments: [...comments, 'near heap limit'], threadLabels };
      const heap = running.heap?.snapshot(window);
      if (heap !== undefined) delivery.deliverSync(heap);
    });
  };

  /** Ends the window now; resolves when exporters have taken its profiles, or after the cap. */
  async flush(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#turn();
    await within(SHUTDOWN_CAP_MILLIS, running.delivery.drain());
  }

  /**
   * Begins to record: the running window is cut here, at every `cut()` and at the end, and its parts
   * are put together again when it ends, so the continuous profiles are the same with and without.
   * A sampler that is off runs until the recording is closed; so does the whole agent. What is held
   * grows with the time since the last cut; the caller bounds it. Throws where `enabled` is false.
   */
  record(options: RecordOptions = {}): Recording {
    const windows: Profile[] = [];
    // Samplers that begin now have seen nothing before.
    if (this.#running === undefined) {
      const config = this.#configure();
      if (this.#disabled || !config.enabled) throw new SpanprofError('PROFILING_DISABLED', {});
      this.#begin(onDemandConfig(config, options), [], true);
    } else {
      this.#recordings.add(windows);
      this.#cut();
    }
    this.#recordings.add(windows);
    const before = mergeByType(windows.splice(0));
    this.#borrow(options);
    const cut = () => {
      this.#cut();
      return mergeByType(windows.splice(0));
    };
    const close = () => {
      this.#recordings.delete(windows);
      windows.length = 0;
      if (this.#recordings.size === 0) this.#giveBack();
    };
    const end = () => {
      const profiles = cut();
      close();
      return profiles;
    };
    return { before, borrow: (more) => this.#borrow(more), cut, close, end };
  }

  /** Runs the samplers that are wanted and off, until the last recording is closed. */
  #borrow({ cpu = true, heap = true }: RecordOptions): void {
    const running = this.#running;
    if (running === undefined) return;
    const { idle } = running;
    // Heap sampling must be stopped before exit, also when it is only borrowed.
    this.#watchProcessEnd();
    if (cpu && running.cpu === undefined && idle.cpu !== undefined) {
      running.cpuState = this.#startSampler(idle.cpu);
      if (running.cpuState === 'running') running.cpu = idle.cpu;
    }
    if (heap && running.heap === undefined && idle.heap !== undefined) {
      running.heapState = this.#startSampler(idle.heap);
      if (running.heapState === 'running') running.heap = idle.heap;
    }
  }

  #giveBack(): void {
    const running = this.#running;
    if (running === undefined) return;
    if (running.onDemand) {
      this.#abandon(running);
      return;
    }
    const { cpu, heap, idle } = running;
    if (cpu !== undefined && cpu === idle.cpu) {
      this.#guard('stop', () => cpu.stop());
      running.cpu = undefined;
      running.cpuState = 'off';
    }
    if (heap !== undefined && heap === idle.heap) {
      this.#guard('stop', () => heap.stop());
      running.heap = undefined;
      running.heapState = 'off';
    }
    this.#forgetIdleProcessEnd(running);
  }

  // ---- stop --------------------------------------------------------------------------------------

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return this.#stopping;
    this.#whole('window', () => {
      for (const profile of this.#tearDown(running)) running.delivery.deliver(profile);
    });
    this.#stopping = within(SHUTDOWN_CAP_MILLIS, deliverAll(running)).finally(() =>
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
    const last = running === undefined ? [] : this.#tearDown(running);
    for (const leaving of this.#leaving) {
      const own = leaving === running ? last : [];
      this.#guard('deliver', () => leaving.delivery.finishSync(own));
      const { exitSeconds } = leaving.config.upload;
      for (const exporter of leaving.exporters) {
        this.#guard('deliver', () => exporter.flushSync?.(secondsToMillis(seconds(exitSeconds))));
      }
      this.#leave(leaving);
    }
  };

  /** Takes everything back, in the opposite order of start; returns the last window's profiles. */
  #tearDown(running: Running): Unbuilt[] {
    this.#running = undefined;
    this.#leaving.add(running);
    clearInterval(running.timer);
    this.#guard('stop', () => running.gcpOnline?.stop());
    let profiles: Unbuilt[] = [];
    this.#guard('window', () => {
      profiles = this.#endWindow(running, false);
    });
    this.#guard('stop', () => running.cpu?.stop());
    this.#guard('stop', () => running.heap?.stop());
    this.#guard('stop', () => running.memory.stop());
    this.#guard('stop', () => bridge.stop());
    this.#guard('stop', () => this.context.deactivate());
    this.#guard('stop', () => running.store.close());
    this.#guard('stop', () => running.endpoint?.close());
    return profiles;
  }

  /** Takes everything back; nothing is delivered. */
  #abandon(running: Running): void {
    this.#tearDown(running);
    this.#leave(running);
  }

  /** What was under way has arrived or was given up. */
  #leave(running: Running): void {
    this.#leaving.delete(running);
    for (const exporter of running.exporters) void exporter.close?.().catch(() => {});
    if (this.#running === undefined && this.#leaving.size === 0) this.#forgetProcessEnd();
  }

  #watchProcessEnd(): void {
    this.#processEnd ??= onProcessEnd({
      addon,
      isMainThread,
      capMillis: SHUTDOWN_CAP_MILLIS,
      onExit: this.#onExit,
      onSignal: this.#endNow,
      onIgnoredSignal: () => void this.flush(),
    });
  }

  /** With nothing to deliver there is nothing to do at the end either. */
  #forgetIdleProcessEnd(running: Running): void {
    if (running.cpu === undefined && running.heap === undefined) this.#forgetProcessEnd();
  }

  #forgetProcessEnd(): void {
    const processEnd = this.#processEnd;
    this.#processEnd = undefined;
    this.#guard('stop', () => processEnd?.forget());
  }

  // ---- the rest ----------------------------------------------------------------------------------

  /** As `#guard`, and no signal ends the process in the middle of it. */
  #whole(part: string, action: () => void): void {
    const processEnd = this.#processEnd;
    this.#guard(part, () => (processEnd === undefined ? action() : processEnd.whole(action)));
  }

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

  #usage(): UsageSnapshot | undefined {
    const running = this.#running;
    if (running?.ledger === undefined) return undefined;
    return usageSnapshot(running.ledger, running.startMillis);
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
      memory: running?.memory.status(),
      windows: {
        completed: this.#windows,
        totalMicros: microseconds(Number(this.#windowNanos / 1_000n)),
      },
      scopes: running?.store.status(),
      otel: bridge.status(),
      bills: running?.ledger?.status(),
      profiles: running?.delivery.status() ?? { delivered: 0, underWay: 0, dropped: 0 },
      exporters: running === undefined ? [] : exporterStatus(running),
      endpoint: running?.endpoint?.addresses ?? [],
      process: processFigures(),
      ownCpuMicros: microseconds(Math.round(this.#ownCpuNanos / 1_000)),
      messages: this.#reporter.lines,
    };
  }
}

/** What the configuration wants to be exported; a recording may have had more collected. */
function exported<Some extends { readonly profileType: ProfileType }>(
  { cpu, heap }: Config,
  profiles: readonly Some[],
): Some[] {
  return profiles.filter(({ profileType }) => {
    if (profileType === 'cpu') return cpu.enabled;
    if (profileType === 'wall') return cpu.enabled && cpu.wall;
    return heap.enabled;
  });
}

/** The current folder may have been removed; relative paths then start in the temporary one. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return tmpdir();
  }
}

/** Everything under way arrives, and what waited for a destination gets a last try. Never rejects. */
async function deliverAll({ delivery, exporters }: Running): Promise<void> {
  await delivery.drain();
  await Promise.allSettled(exporters.map((exporter) => exporter.flush?.()));
}

/**
 * Waits for `work`, but no longer than `capMillis`. Keeps the process alive meanwhile: uploads do not
 * do that by themselves, and whoever waits for this wants them finished.
 */
async function within(capMillis: Milliseconds, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const cap = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, capMillis);
  });
  await Promise.race([work, cap]);
  clearTimeout(timer);
}

/** The agent of this thread. */
export const agent: Agent = shared('agent', () => new Agent(new ScopeContext()));
