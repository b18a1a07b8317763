/** From the ledger's books to what `/debug/usage` shows. */
import type { Account, NamedAccount } from './attribution/accounts.ts';
import type { Ledger } from './attribution/ledger.ts';
import type { Usage } from './attribution/usage.ts';
import type {
  OpenInvocation,
  UsageAccount,
  UsageFigures,
  UsageSnapshot,
} from './endpoint/usage.ts';
import type { LabelValue } from './profile/model.ts';
import { bytes, type Milliseconds, microseconds } from './units.ts';

/** More rows than anybody reads; each costs a read of its bill. */
const MAX_OPEN_ROWS = 200;

/** `sinceMillis`: when the ledger was opened, as time since the Unix epoch. */
export function usageSnapshot(ledger: Ledger, sinceMillis: Milliseconds): UsageSnapshot {
  const { agents, tools, sessions, billed, late, unattributed, threadCpuMicros } =
    ledger.accounts();
  return {
    sinceMillis,
    method: ledger.status().method,
    agents: agents.named.map(account),
    tools: tools.named.map(account),
    sessions: sessions.named.map(account),
    open: ledger.openInvocations(MAX_OPEN_ROWS).map(openInvocation),
    total: {
      ...sum([billed, late, unattributed]),
      cpuMicros: threadCpuMicros,
    },
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

const account = (one: NamedAccount): UsageAccount => ({
  name: one.name,
  invocations: one.invocations,
  ...figures(one),
});

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
