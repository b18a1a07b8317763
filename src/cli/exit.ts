/** How `spanprof` ends. `run` ends as the program it ran did. */
export const EXIT = {
  ok: 0,
  /** A file, a URL or an answer was not what it should be; stderr says what. */
  failed: 1,
  /** The command line itself was wrong. */
  usage: 2,
  /** 128 + SIGINT: `live` was ended by Ctrl-C. Elsewhere the signal itself ends the process. */
  interrupted: 130,
  /** 128 + SIGPIPE: the reader of our output went away, as in `spanprof top … | head -1`. */
  brokenPipe: 141,
} as const;

/** The command line is wrong; the message says what, and help is one line away. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
