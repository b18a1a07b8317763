/** Running totals of everything billed. */
import type { Scope } from './scope.ts';
import type { Usage } from './usage.ts';

/** Tokens a language model took and gave, as they are added to the accounts. */
export interface TokenCounts {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface Ledger {
  /** The bill so far; undefined if the scope is not billed. */
  usageOf(scope: Scope): Usage | undefined;
  /** Ends the bill of a `span` or an `invocation` and returns it; undefined if the scope is not billed. Later calls return the same. */
  close(scope: Scope): Usage | undefined;
  /** Adds to the accounts of the scope's agent, tool and session. */
  addTokens(scope: Scope, tokens: TokenCounts): void;
}
