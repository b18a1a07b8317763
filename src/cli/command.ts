import type { Arguments, OptionSpecs } from './arguments.ts';
import type { Terminal } from './terminal.ts';

/** A subcommand; its module is read when it is asked for. */
export interface Command {
  /** What follows the name: `[options] FILE|URL...`. */
  readonly usage: string;
  /** A paragraph or two, broken into lines of at most 80 characters. */
  readonly description: string;
  readonly options: OptionSpecs;
  /** Command lines without the leading `spanprof`. */
  readonly examples: readonly string[];
  /** Options end at the first argument; what follows belongs to somebody else. */
  readonly stopsAtArgument?: boolean;
  /** Does the work; the exit code. Throws `UsageError`, or any error for exit code 1. */
  run(args: Arguments, terminal: Terminal): Promise<number>;
}
