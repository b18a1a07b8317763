/** Running totals by agent, tool and session. They only grow. */
import type { Labels, LabelValue } from '../profile/model.ts';
import { type Bytes, bytes, type Microseconds, microseconds } from '../units.ts';
import type { Bill } from './bill.ts';
import type { RowFigures } from './table.ts';
import type { TokenCounts } from './usage.ts';

/** Accounts shown by name in each group; the rest is in `other`. Twice as many are kept between clean-ups. */
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
  /** Work of bills that went on more than two seconds, or the ends of 256 others, after their end. */
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

  addWork({ cpuMillis, gcMillis, allocatedBytes }: Entry): this {
    this.cpuMillis += cpuMillis;
    this.gcMillis += gcMillis;
    this.allocatedBytes += allocatedBytes;
    return this;
  }

  addTokens({ inputTokens, outputTokens }: TokenCounts): void {
    this.inputTokens += inputTokens;
    this.outputTokens += outputTokens;
  }

  addInvocation(): void {
    this.invocations++;
  }

  addTotal(total: Total): void {
    this.addWork(total).addTokens(total);
    this.invocations += total.invocations;
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
  #named = new Map<string, Total>();
  readonly #other = new Total();
  #additions = 0;

  /** To be added to; undefined without a name. */
  of(name: LabelValue | undefined): Total | undefined {
    if (name === undefined) return undefined;
    const key = String(name);
    let total = this.#named.get(key);
    if (total === undefined) {
      // Many go at once: a session for each request must not cost a look at all accounts each.
      if (this.#named.size >= 2 * MAX_ACCOUNTS) this.trim();
      total = new Total();
      this.#named.set(key, total);
    }
    total.lastAddition = ++this.#additions;
    return total;
  }

  /**
   * Keeps the heaviest, and those just added to: one that is getting heavy must have the time to.
   */
  trim(): void {
    if (this.#named.size <= MAX_ACCOUNTS) return;
    const newest = this.#additions - MAX_ACCOUNTS / 2;
    const kept: [string, Total][] = [];
    const rest: [string, Total][] = [];
    for (const entry of this.#named) (entry[1].lastAddition > newest ? kept : rest).push(entry);
    for (const entry of heaviestFirst(rest)) {
      if (kept.length < MAX_ACCOUNTS) kept.push(entry);
      else this.#other.addTotal(entry[1]);
    }
    // Anew: deleting entry by entry leaves old copies of the map behind, which keep what was in them.
    this.#named = new Map(kept);
  }

  addAll(group: Group): void {
    this.#other.addTotal(group.#other);
    for (const [name, total] of group.#named) this.of(name)?.addTotal(total);
  }

  report(): AccountGroup {
    const all = heaviestFirst([...this.#named]);
    const other = new Total();
    other.addTotal(this.#other);
    for (const [, total] of all.slice(MAX_ACCOUNTS)) other.addTotal(total);
    return {
      named: all.slice(0, MAX_ACCOUNTS).map(([name, total]) => ({ name, ...total.report() })),
      other: other.report(),
    };
  }
}

function heaviestFirst(named: [string, Total][]): [string, Total][] {
  return named.sort(([, a], [, b]) => b.cpuMillis - a.cpuMillis);
}

export class Accounts {
  readonly #agents = new Group();
  readonly #tools = new Group();
  readonly #sessions = new Group();
  readonly #billed = new Total();

  addWork(labels: Labels, work: Entry): void {
    this.#addTo(labels, (total) => total.addWork(work));
  }

  addTokens(labels: Labels, tokens: TokenCounts): void {
    this.#addTo(labels, (total) => total.addTokens(tokens));
  }

  addInvocation(labels: Labels): void {
    this.#addTo(labels, (total) => total.addInvocation());
  }

  /** Group by group, without an array: for every bill. */
  #addTo({ agent_name, tool_name, session_id }: Labels, add: (total: Total) => void): void {
    add(this.#billed);
    const agent = this.#agents.of(agent_name);
    if (agent !== undefined) add(agent);
    const tool = this.#tools.of(tool_name);
    if (tool !== undefined) add(tool);
    const session = this.#sessions.of(session_id);
    if (session !== undefined) add(session);
  }

  copy(): Accounts {
    const copy = new Accounts();
    for (const group of [this.#agents, this.#tools, this.#sessions]) group.trim();
    copy.#agents.addAll(this.#agents);
    copy.#tools.addAll(this.#tools);
    copy.#sessions.addAll(this.#sessions);
    copy.#billed.addTotal(this.#billed);
    return copy;
  }

  /** `nobody`: what was measured outside of all bills. */
  report(rest: {
    readonly threadCpuMillis: number;
    readonly gcMillis: number;
    readonly late: Entry;
    readonly nobody: Entry;
  }): AccountsReport {
    const late = new Total().addWork(rest.late);
    const unattributed = new Total().addWork(rest.nobody);
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
