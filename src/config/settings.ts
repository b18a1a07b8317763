/** What the sources hand to `load.ts`: settings to be read, and problems found on the way. */
import type { Problem } from '../errors.ts';
import type { Kind } from './kinds.ts';
import { showName } from './show.ts';

/** One value somebody gave for one option, not yet checked. */
export interface Setting {
  /** The name as it was written: `cpu.frequencyHertz`, `telemetry.profiling.cpu.frequency`. */
  readonly name: string;
  /** Path of the option it sets; `undefined`: only checked. */
  readonly target: string | undefined;
  readonly kind: Kind<unknown>;
  readonly raw: unknown;
  /** Whether `raw` is text to be read, as from the environment. */
  readonly isText: boolean;
  /** How a refused value is shown, where not by `kind`. */
  readonly shown?: string | undefined;
  /** Turns what was read into the value of the target. */
  readonly convert?: ((value: unknown) => unknown) | undefined;
  /** Set for quite another purpose; does not imply an exporter. */
  readonly ambient?: boolean;
  /** Asked only when there is a problem: finding a line in a file takes time. */
  source(): string;
}

/** The settings of one rank; the first for a target wins, except that labels join and `false` beats `true`. */
export interface Layer {
  readonly settings: readonly Setting[];
  /** Meant for other programs: not even read where a higher layer has set the same option. */
  readonly foreign: boolean;
}

/** A message is for people; beyond this they start at the top anyway. */
const MAX_PROBLEMS = 50;

/** Collects problems, at most `MAX_PROBLEMS`, and says how many more there were. */
export class Problems {
  readonly #listed: Problem[] = [];
  #unlisted = 0;

  add(name: string, message: string, source: string): void {
    if (this.#listed.length < MAX_PROBLEMS) {
      this.#listed.push({ option: showName(name), message, source });
    } else {
      this.#unlisted += 1;
    }
  }

  get count(): number {
    return this.#listed.length + this.#unlisted;
  }

  list(): readonly Problem[] {
    if (this.#unlisted === 0) return this.#listed;
    const message = `${this.#unlisted} more problem(s) are not listed`;
    return [...this.#listed, { option: 'configuration', message, source: 'all sources' }];
  }
}
