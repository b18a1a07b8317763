/** What the user gets to read: one line on stderr for each kind of trouble, and the last ones in `status()`. */
import { writeSync } from 'node:fs';
import { type ErrorCode, messageOf } from './errors.ts';

const STDERR = 2;
const MAX_KEPT = 20;
/** Labels can be wrong in endless ways; beyond this many lines nobody reads on. */
const MAX_LABEL_LINES = 50;
/** Everything else has a handful of texts, but some name a reason that may vary. */
const MAX_LINES = 500;

export class Reporter {
  /** Keeps lines for `status()` without printing them. */
  quiet = false;
  readonly #said = new Set<string>();
  readonly #last: string[] = [];
  #labelLines = 0;

  /** Says a row of the error table, once. Never throws. */
  say(code: ErrorCode, details: Readonly<Record<string, string | number>> = {}): void {
    this.sayLine(messageOf(code, details));
  }

  /** Says a line, once. Never throws. */
  readonly sayLine = (line: string): void => {
    if (this.#said.has(line) || this.#said.size >= MAX_LINES) return;
    this.#said.add(line);
    this.#last.push(line);
    if (this.#last.length > MAX_KEPT) this.#last.shift();
    if (this.quiet) return;
    try {
      // Not process.stderr: it is set up on first use, may be patched, and is late in workers.
      writeSync(STDERR, `spanprof: ${line}\n`);
    } catch {
      // A closed or full pipe. There is nobody to tell.
    }
  };

  /** The same for labels, which must not use up the room of other lines. */
  readonly sayLabelLine = (line: string): void => {
    if (this.#said.has(line) || this.#labelLines >= MAX_LABEL_LINES) return;
    this.#labelLines++;
    this.sayLine(line);
  };

  /** The last lines, oldest first. */
  get lines(): readonly string[] {
    return [...this.#last];
  }
}
