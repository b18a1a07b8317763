/**
 * Every way a process ends that leaves time for a last act: natural end, `process.exit`, an uncaught
 * exception (the `exit` event), and the signals that end a program which does not listen for them.
 * What the process would have done without us, it still does.
 */
import { constants } from 'node:os';
import { setImmediate } from 'node:timers';
import { type Addon, TERMINATION } from './native.ts';
import type { Milliseconds } from './units.ts';

/** Signals whose default action ends the process and that people and supervisors send for it. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
type EndSignal = (typeof SIGNALS)[number];

const isEndSignal = (event: unknown): event is EndSignal =>
  (SIGNALS as readonly unknown[]).includes(event);

export interface ProcessEndOptions {
  readonly addon: Addon | undefined;
  readonly isMainThread: boolean;
  /** Longest time the last act may take on a signal. */
  readonly capMillis: Milliseconds;
  /** The last act at the `exit` event, and on a signal. Synchronous; do not throw. */
  readonly onExit: () => void;
  readonly onSignal: () => void;
  /** A signal came that the kernel will not let end the process (it is process 1 of its container). */
  readonly onIgnoredSignal: () => void;
}

export interface ProcessEnd {
  /**
   * Calls `action`, which must not be cut in two: a signal that interrupts it ends the process right
   * after it. Without this, samples that were taken out of a sampler and not yet handed to an
   * exporter would be lost. May be nested.
   */
  whole<Result>(action: () => Result): Result;
  /** Undoes everything. */
  forget(): void;
}

/** Calls back when the process ends, once. */
export function onProcessEnd(options: ProcessEndOptions): ProcessEnd {
  const state: EndState = { isExiting: false, isInLastAct: false, depth: 0, postponed: undefined };
  const onExit = (): void => {
    state.isExiting = true;
    options.onExit();
  };
  const removeRoom = makeRoomForOurs();
  process.on('exit', onExit);
  const unwatch = options.isMainThread ? watchSignals(options, state) : () => {};
  const unwrap = options.isMainThread ? wrapExecve(options.onExit) : () => {};
  return {
    whole(action) {
      state.depth++;
      try {
        return action();
      } finally {
        state.depth--;
        if (state.depth === 0 && !state.isExiting) sendPostponed(state);
      }
    },
    forget() {
      unwrap();
      unwatch();
      process.off('exit', onExit);
      removeRoom();
      sendPostponed(state);
    },
  };
}

/** A signal that came while we were at it does now what it would have done. */
function sendPostponed(state: EndState): void {
  const signal = state.postponed;
  state.postponed = undefined;
  if (signal !== undefined) process.kill(process.pid, signal);
}

interface EndState {
  isExiting: boolean;
  isInLastAct: boolean;
  /** Calls of `whole` under way. */
  depth: number;
  postponed: EndSignal | undefined;
}

/** Our `exit` listener must not use up the last place before Node warns of a leak. */
function makeRoomForOurs(): () => void {
  let raised = 0;
  const makeRoom = (event: unknown): void => {
    const limit = process.getMaxListeners();
    if (event !== 'exit' || raised > 0 || limit === 0) return;
    if (process.listenerCount('exit') !== limit) return;
    raised = limit + 1;
    process.setMaxListeners(raised);
  };
  process.on('newListener', makeRoom);
  return () => {
    process.off('newListener', makeRoom);
    if (raised > 0 && process.getMaxListeners() === raised) process.setMaxListeners(raised - 1);
  };
}

type Execve = (...args: unknown[]) => unknown;

/**
 * `process.execve` replaces the program without any event, and a sampling signal under way would
 * kill the new one: handlers do not survive it, pending signals do. So the last act comes first.
 */
function wrapExecve(lastAct: () => void): () => void {
  const owner = process as unknown as { execve?: Execve };
  const original = owner.execve;
  if (original === undefined) return () => {};
  const wrapped = function execve(this: unknown, ...args: unknown[]): unknown {
    lastAct();
    return Reflect.apply(original, this, args);
  };
  owner.execve = wrapped;
  return () => {
    if (owner.execve === wrapped) owner.execve = original;
  };
}

function watchSignals(options: ProcessEndOptions, state: EndState): () => void {
  const { addon } = options;
  return addon === undefined ? watchWithListeners(options) : watchNatively(addon, options, state);
}

/**
 * With the addon: its handler stands in only while the application has no listener (libuv's handler
 * replaces it when one is added), so nothing is visible to the application, and a program that
 * spins in a loop still ends.
 */
function watchNatively(addon: Addon, options: ProcessEndOptions, state: EndState): () => void {
  const flush = (signalNumber: number): number => {
    const signal = SIGNALS.find((name) => constants.signals[name] === signalNumber);
    if (signal === undefined) return TERMINATION.passOn;
    if (process.listenerCount(signal) > 0) return TERMINATION.deliver;
    if (process.pid === 1) {
      // Not from here: this may be an interrupt, and the interrupted code goes on.
      setImmediate(options.onIgnoredSignal);
      return TERMINATION.swallow;
    }
    if (state.isExiting || state.depth > 0) {
      state.postponed = signal;
      return TERMINATION.swallow;
    }
    state.isInLastAct = true;
    options.onSignal();
    return TERMINATION.passOn;
  };
  if (!addon.terminationStart(flush, options.capMillis)) return () => {};
  const arm = (signal: unknown): void => {
    if (isEndSignal(signal) && process.listenerCount(signal) === 0) {
      addon.terminationArm(constants.signals[signal]);
    }
  };
  for (const signal of SIGNALS) arm(signal);
  process.on('removeListener', arm);
  return () => {
    process.off('removeListener', arm);
    // It waits for its helper thread, which waits for the last act.
    if (!state.isInLastAct) addon.terminationStop();
  };
}

/**
 * Without it: a listener of our own, there only while the application has none. A program that
 * spins in a loop notices the signal when it comes back to the event loop.
 */
function watchWithListeners({ onSignal }: ProcessEndOptions): () => void {
  const listeners = new Map<EndSignal, () => void>();
  const unlisten = (signal: EndSignal): void => {
    const listener = listeners.get(signal);
    listeners.delete(signal);
    if (listener !== undefined) process.off(signal, listener);
  };
  const listen = (signal: EndSignal): void => {
    if (process.listenerCount(signal) > 0) return;
    const listener = (): void => {
      onSignal();
      stop();
      process.kill(process.pid, signal);
    };
    listeners.set(signal, listener);
    process.on(signal, listener);
  };
  const onAdded = (event: unknown, added: unknown): void => {
    if (isEndSignal(event) && added !== listeners.get(event)) unlisten(event);
  };
  const onRemoved = (event: unknown, removed: unknown): void => {
    if (isEndSignal(event) && removed !== listeners.get(event)) listen(event);
  };
  const stop = (): void => {
    process.off('newListener', onAdded);
    process.off('removeListener', onRemoved);
    for (const signal of SIGNALS) unlisten(signal);
  };
  for (const signal of SIGNALS) listen(signal);
  process.on('newListener', onAdded);
  process.on('removeListener', onRemoved);
  return stop;
}
