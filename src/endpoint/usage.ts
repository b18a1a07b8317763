/** What `/debug/usage` shows: who has cost how much so far, and what is running now. Plain data. */
import type { Bytes, Microseconds, Milliseconds } from '../units.ts';

export interface UsageFigures {
  readonly cpuMicros: Microseconds;
  readonly allocatedBytes: Bytes;
  readonly gcMicros: Microseconds;
  /** Tokens of language models, where spans say so. */
  readonly tokens: number;
}

/** The total of one agent, tool or session since start. */
export interface UsageAccount extends UsageFigures {
  readonly name: string;
  /** Begun so far. */
  readonly invocations: number;
}

/** An invocation that has not ended. */
export interface OpenInvocation extends Omit<UsageFigures, 'tokens'> {
  /** Label `invocation_id`; empty if it has none. */
  readonly id: string;
  readonly agent: string;
  readonly tool: string | undefined;
  readonly session: string | undefined;
  readonly wallMicros: Microseconds;
}

export interface UsageSnapshot {
  /** Since when, as time since the Unix epoch. */
  readonly sinceMillis: Milliseconds;
  /** How CPU time is found at this moment; `idle` while no invocation is open. */
  readonly method: 'exact' | 'sampled' | 'idle';
  readonly agents: readonly UsageAccount[];
  readonly tools: readonly UsageAccount[];
  readonly sessions: readonly UsageAccount[];
  readonly open: readonly OpenInvocation[];
  /** Of the thread; `unattributed` is what no invocation caused. */
  readonly total: UsageFigures;
  readonly unattributed: UsageFigures;
}
