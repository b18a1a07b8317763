/** From the ledger's books to what `/debug/usage` shows. */
import type { Account, AccountGroup } from '../attribution/accounts.ts';
import type { Ledger } from '../attribution/ledger.ts';
import type { Usage } from '../attribution/usage.ts';
import type { LabelValue } from '../profile/model.ts';
import { bytes, type Milliseconds, microseconds } from '../units.ts';
import type { OpenInvocation, UsageAccount, UsageFigures, UsageSnapshot } from './usage.ts';

/** More rows than anybody reads; each costs a read of its bill. */
const MAX_OPEN_ROWS = 200;

/** `sinceMillis`: when the ledger was opened, as time since the Unix epoch. */
export function usageSnapshot(ledger: Ledger, sinceMillis: Milliseconds): UsageSnapshot {
  const { agents, tools, sessions, billed, late, unattributed } = ledger.accounts();
  return {
    sinceMillis,
    method: ledger.status().method,
    agents: accountsOf(agents),
    tools: accountsOf(tools),
    sessions: accountsOf(sessions),
    open: ledger.openInvocations(MAX_OPEN_ROWS).map(openInvocation),
    total: sum([billed, late, unattributed]),
    unattributed: figures(unattributed),
  };
}

const figures = ({
  cpuMicros,
  allocatedBytes,
  gcMicros,
  inputTokens,
  outputTokens,
}: Account): UsageFigures => ({
  cpuMicros,
  allocatedBytes,
  gcMicros,
  tokens: inputTokens + outputTokens,
});

/** Those with names, and the rest together where there is one. */
function accountsOf({ named, other }: AccountGroup): UsageAccount[] {
  const rest = { name: '(other)', ...other };
  const isRest = Object.values(other).some((figure) => figure > 0);
  return (isRest ? [...named, rest] : named).map((one) => ({
    name: one.name,
    invocations: one.invocations,
    ...figures(one),
  }));
}

const openInvocation = ({
  labels,
  cpuMicros,
  wallMicros,
  allocatedBytes,
  gcMicros,
}: Usage): OpenInvocation => ({
  id: text(labels['invocation_id']) ?? '',
  agent: text(labels['agent_name']) ?? '',
  tool: text(labels['tool_name']),
  session: text(labels['session_id']),
  cpuMicros,
  wallMicros,
  allocatedBytes,
  gcMicros,
});

const text = (label: LabelValue | undefined): string | undefined =>
  label === undefined ? undefined : String(label);

function sum(accounts: readonly Account[]): UsageFigures {
  let [cpuMicros, allocatedBytes, gcMicros, tokens] = [0, 0, 0, 0];
  for (const account of accounts) {
    cpuMicros += account.cpuMicros;
    allocatedBytes += account.allocatedBytes;
    gcMicros += account.gcMicros;
    tokens += account.inputTokens + account.outputTokens;
  }
  return {
    cpuMicros: microseconds(cpuMicros),
    allocatedBytes: bytes(allocatedBytes),
    gcMicros: microseconds(gcMicros),
    tokens,
  };
}
