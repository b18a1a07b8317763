/** From the ledger's accounts to what `/debug/usage` shows. */
import { bytes, type Milliseconds, microseconds } from '../units.ts';
import type { OpenInvocation, UsageAccount, UsageFigures, UsageSnapshot } from './usage.ts';

/** The part of the ledger's report that is used. */
export interface AccountsReportLike {
  readonly agents: GroupLike;
  readonly tools: GroupLike;
  readonly sessions: GroupLike;
  readonly billed: FiguresLike;
  readonly late: FiguresLike;
  readonly unattributed: FiguresLike;
}

interface GroupLike {
  readonly named: readonly (FiguresLike & { readonly name: string })[];
  readonly other: FiguresLike;
}

interface FiguresLike {
  readonly cpuMicros: number;
  readonly gcMicros: number;
  readonly allocatedBytes: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What does not come from the accounts. */
export interface UsageContext {
  readonly sinceMillis: Milliseconds;
  readonly method: UsageSnapshot['method'];
  readonly open: readonly OpenInvocation[];
}

export function usageFromAccounts(
  accounts: AccountsReportLike,
  context: UsageContext,
): UsageSnapshot {
  const { agents, tools, sessions, billed, late, unattributed } = accounts;
  return {
    ...context,
    agents: accountsOf(agents),
    tools: accountsOf(tools),
    sessions: accountsOf(sessions),
    total: sumOf([billed, late, unattributed]),
    unattributed: sumOf([unattributed]),
  };
}

/** Those with names, and the rest together where there is one. */
function accountsOf({ named, other }: GroupLike): UsageAccount[] {
  const all = named.map((one) => ({ ...sumOf([one]), name: one.name }));
  const rest = sumOf([other]);
  const isNothing = rest.cpuMicros + rest.allocatedBytes + rest.gcMicros + rest.tokens === 0;
  return isNothing ? all : [...all, { ...rest, name: '(other)' }];
}

function sumOf(parts: readonly FiguresLike[]): UsageFigures {
  const sum = (value: (part: FiguresLike) => number): number =>
    parts.reduce((total, part) => total + value(part), 0);
  return {
    cpuMicros: microseconds(sum((part) => part.cpuMicros)),
    allocatedBytes: bytes(sum((part) => part.allocatedBytes)),
    gcMicros: microseconds(sum((part) => part.gcMicros)),
    tokens: sum((part) => part.inputTokens + part.outputTokens),
  };
}
