/** The public API. Importing it has no effect. */
import { agent } from './agent.ts';
import type { AccountsReport } from './attribution/accounts.ts';
import type { Carrier } from './attribution/context.ts';
import type { Invocation, Measured } from './attribution/invocation.ts';
import * as billing from './attribution/invocation.ts';
import type { LabelInput } from './attribution/labels.ts';
import type { Usage } from './attribution/usage.ts';
import type { StartOptions } from './export/own.ts';
import type { Labels } from './profile/model.ts';
import type { Status } from './status.ts';

export type {
  Account,
  AccountGroup,
  AccountsReport,
  NamedAccount,
} from './attribution/accounts.ts';
export type { Carrier } from './attribution/context.ts';
export type { Invocation, Measured } from './attribution/invocation.ts';
export type { LabelInput } from './attribution/labels.ts';
export type { Amounts, TokenCounts, Usage, UsageMethod } from './attribution/usage.ts';
export { type ErrorCode, type Problem, SpanprofError } from './errors.ts';
export type { Destination, SendOutcome } from './export/destination.ts';
export type { EncodedProfile, Exporter, ExporterStatus } from './export/exporter.ts';
export type { StartOptions as Options } from './export/own.ts';
export type { Route } from './export/route.ts';
export type { Labels, LabelValue } from './profile/model.ts';
export type { Status } from './status.ts';

/**
 * Starts profiling this thread. Does nothing if it is already running.
 * Rejects with a `SpanprofError` (`code` `CONFIG_INVALID`) that lists everything wrong with options,
 * environment and configuration file; profiling is off then.
 */
export async function start(options?: StartOptions): Promise<Status> {
  agent.start(options);
  return agent.status();
}

/** Ends profiling; resolves when exporters have taken the last profiles, after two seconds at most. */
export async function stop(): Promise<void> {
  await agent.stop();
}

/** Ends the current windows now; resolves when exporters have taken them, after two seconds at most. */
export async function flush(): Promise<void> {
  await agent.flush();
}

/** What runs, how, what was lost, and what it cost. */
export function status(): Status {
  return agent.status();
}

/**
 * Calls `fn(...args)` in a scope with these labels and returns what it returns. Everything that `fn`
 * starts, also asynchronously, carries the labels; scopes inside inherit them.
 *
 * A label that cannot be used is left out and said once on stderr; `run` itself never throws.
 */
export function run<Args extends unknown[], Result>(
  labels: LabelInput,
  fn: (...args: Args) => Result,
  ...args: Args
): Result {
  return agent.context.run(labels, fn, args);
}

/** A function tied to the current scope: for callbacks that are called from elsewhere. */
export function bind<This, Args extends unknown[], Result>(
  fn: (this: This, ...args: Args) => Result,
): (this: This, ...args: Args) => Result {
  return agent.context.bind(fn);
}

/** The labels in force here, frozen; empty outside of all scopes. */
export function labels(): Labels {
  return agent.context.labels();
}

/** The current scope as plain data, to send to a worker or put on a queue. */
export function carry(): Carrier {
  return agent.context.carry();
}

/** Calls `fn` in a scope with the labels that were carried here. */
export function resume<Result>(carrier: Carrier, fn: () => Result): Result {
  return agent.context.resume(carrier, fn);
}

/**
 * Calls `fn(...args)` as one invocation, waits for what it returns, and says what it cost. If `fn`
 * throws or its promise rejects, so does this one, with the same error; `usageOf(error)` has the bill.
 */
export function measure<Args extends unknown[], Result>(
  labels: LabelInput,
  fn: (...args: Args) => Result | PromiseLike<Result>,
  ...args: Args
): Promise<Measured<Result>> {
  return billing.measure(agent.context, labels, fn, args);
}

/** The bill of the `measure` that failed with this error; undefined for anything else. */
export function usageOf(error: unknown): Usage | undefined {
  return billing.usageOf(error);
}

/** Opens an invocation for code that cannot wrap one function; `end()` closes its bill. */
export function invocation(labels: LabelInput): Invocation {
  return billing.invocation(agent.context, labels);
}

/** The bill of the current scope so far; undefined outside of everything billed. */
export function usage(): Usage | undefined {
  return billing.currentUsage(agent.context);
}

/** Totals since start, by agent, tool and session; undefined while nothing runs. */
export function accounts(): AccountsReport | undefined {
  return agent.context.ledger?.accounts();
}
