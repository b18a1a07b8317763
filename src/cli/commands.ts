import type { Command } from './command.ts';

/** A command as the list knows it: everything else is read when it is wanted. */
export interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  run: {
    summary: 'run a program under the profiler and say what cost what',
    load: async () => (await import('./commands/run.ts')).run,
  },
  top: {
    summary: 'the functions, agents or tools that cost most',
    load: async () => (await import('./commands/top.ts')).top,
  },
  flamegraph: {
    summary: 'draw profiles: SVG, interactive page, folded stacks, speedscope',
    load: async () => (await import('./commands/flamegraph.ts')).flamegraph,
  },
  diff: {
    summary: 'what one profile spends more or less than another',
    load: async () => (await import('./commands/diff.ts')).diff,
  },
  report: {
    summary: 'one HTML page over many windows',
    load: async () => (await import('./commands/report.ts')).report,
  },
  merge: {
    summary: 'add profiles up to one file',
    load: async () => (await import('./commands/merge.ts')).merge,
  },
  live: {
    summary: 'agents and tools of a running program, like top',
    load: async () => (await import('./commands/live.ts')).live,
  },
  check: {
    summary: 'whether a file is a sound profile, and what is in it',
    load: async () => (await import('./commands/check.ts')).check,
  },
};
