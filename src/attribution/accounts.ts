/** Running totals by agent, tool and session. They only grow. */
import type { Labels } from '../profile/model.ts';
import { type Bytes, bytes, type Microseconds, microseconds } from '../units.ts';
import type { Bill } from './bill.ts';
import type { RowFigures } from './table.ts';
import type { TokenCounts } from './usage.ts';

/** Accounts kept by name in each group; the rest is in `other`. */
export const MAX_ACCOUNTS = 100;

export interface Account {
  readonly cpuMicros: Microseconds;
  readonly gcMicros: Microseconds;
  /** Estimated, as in `Usage`. */
  readonly allocatedBytes: Bytes;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Invocations begun. */
  readonly invocations: number;
}

export interface NamedAccount extends Account {
  readonly name: string;
}

export interface AccountGroup {
  /** At most 100, the largest CPU time first. */
  readonly named: readonly NamedAccount[];
  /** Those that had to go, together. */
  readonly other: Account;
}

/** Totals since start. Each piece of work is in one agent's, one tool's and one session's account at most. */
export interface AccountsReport {
  readonly agents: AccountGroup;
  readonly tools: AccountGroup;
  readonly sessions: AccountGroup;
  /** Everything that was billed, labelled or not. */
  readonly billed: Account;
  /** Work of bills that went on more than two seconds after their end. */
  readonly late: Account;
  /** The rest of `threadCpuMicros`: code outside of bills, the event loop, and spanprof itself. */
  readonly unattributed: Account;
  /** CPU time of this thread while anything was billed. */
  readonly threadCpuMicros: Microseconds;
}

/** What is added to an account, in milliseconds and bytes. */
export interface Entry {
  readonly cpuMillis: number;
  readonly gcMillis: number;
  readonly allocatedBytes: number;
}

/** Of the bill itself, without the bills inside. */
export function selfOf(bill: Bill, row: RowFigures | undefined, countsBytes = false): Entry {
  return {
    cpuMillis: (row?.cpu ?? 0) + (bill.self?.sampledCpuMillis ?? 0),
    gcMillis: bill.self?.gcMillis ?? 0,
    allocatedBytes: (countsBytes && !bill.isSampled ? row?.bytes : bill.self?.allocatedBytes) ?? 0,
  };
}

class Total {
  cpuMillis = 0;
  gcMillis = 0;
  allocatedBytes = 0;
  inputTokens = 0;
  outputTokens = 0;
  invocations = 0;
  lastAddition = 0;

  add(entry: Partial<Total>): this {
    this.cpuMillis += entry.cpuMillis ?? 0;
    this.gcMillis += entry.gcMillis ?? 0;
    this.allocatedBytes += entry.allocatedBytes ?? 0;
    this.inputTokens += entry.inputTokens ?? 0;
    this.outputTokens += entry.outputTokens ?? 0;
    this.invocations += entry.invocations ?? 0;
    return this;
  }

  report(): Account {
    return {
      cpuMicros: microseconds(Math.round(this.cpuMillis * 1_000)),
      gcMicros: microseconds(Math.round(this.gcMillis * 1_000)),
      allocatedBytes: bytes(Math.round(this.allocatedBytes)),
      inputTokens: this.inputTokens,
      outputTokens: this.outputTokens,
      invocations: this.invocations,
    };
  }
}

class Group {
  readonly #named = new Map<string, Total>();
  readonly #other = new Total();
  #additions = 0;

  add(name: string, entry: Partial<Total>): void {
    let total = this.#named.get(name);
    if (total === undefined) {
      if (this.#named.size >= MAX_ACCOUNTS) this.#dropOne();
      total = new Total();
      this.#named.set(name, total);
    }
    total.add(entry).lastAddition = ++this.#additions;
  }

  /**
   * The lightest, but none of those just added to: one that is getting heavy must have the time to.
   */
  #dropOne(): void {
    let lightest = '';
    let least = Number.POSITIVE_INFINITY;
    for (const [name, { cpuMillis, lastAddition }] of this.#named) {
      if (cpuMillis >= least || lastAddition > this.#additions - MAX_ACCOUNTS / 2) continue;
      least = cpuMillis;
      lightest = name;
    }
    const dropped = this.#named.get(lightest);
    if (dropped !== undefined) this.#other.add(dropped);
    this.#named.delete(lightest);
  }

  addAll(group: Group): void {
    this.#other.add(group.#other);
    for (const [name, total] of group.#named) this.add(name, total);
  }

  report(): AccountGroup {
    const named = [...this.#named].sort(([, a], [, b]) => b.cpuMillis - a.cpuMillis);
    return {
      named: named.map(([name, total]) => ({ name, ...total.report() })),
      other: this.#other.report(),
    };
  }
}

export class Accounts {
  readonly #agents = new Group();
  readonly #tools = new Group();
  readonly #sessions = new Group();
  readonly #billed = new Total();

  add(labels: Labels, entry: Partial<Total>): void {
    this.#billed.add(entry);
    const { agent_name: agent, tool_name: tool, session_id: session } = labels;
    if (agent !== undefined) this.#agents.add(String(agent), entry);
    if (tool !== undefined) this.#tools.add(String(tool), entry);
    if (session !== undefined) this.#sessions.add(String(session), entry);
  }

  addTokens(labels: Labels, { inputTokens, outputTokens }: TokenCounts): void {
    this.add(labels, { inputTokens, outputTokens });
  }

  copy(): Accounts {
    const copy = new Accounts();
    copy.#agents.addAll(this.#agents);
    copy.#tools.addAll(this.#tools);
    copy.#sessions.addAll(this.#sessions);
    copy.#billed.add(this.#billed);
    return copy;
  }

  /** `nobody`: what was measured outside of all bills. */
  report(rest: {
    readonly threadCpuMillis: number;
    readonly gcMillis: number;
    readonly late: Entry;
    readonly nobody: Entry;
  }): AccountsReport {
    const late = new Total().add(rest.late);
    const unattributed = new Total().add(rest.nobody);
    unattributed.gcMillis = rest.gcMillis - this.#billed.gcMillis - late.gcMillis;
    unattributed.cpuMillis =
      rest.threadCpuMillis - rest.gcMillis - this.#billed.cpuMillis - late.cpuMillis;
    return {
      agents: this.#agents.report(),
      tools: this.#tools.report(),
      sessions: this.#sessions.report(),
      billed: this.#billed.report(),
      late: late.report(),
      unattributed: unattributed.report(),
      threadCpuMicros: microseconds(Math.round(rest.threadCpuMillis * 1_000)),
    };
  }
}
