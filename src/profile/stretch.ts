import { Merger } from './merge.ts';
import type { Profile } from './model.ts';

/**
 * Windows of one type that follow each other, put together as they come: their samples are added up.
 * A live heap is a state, not a sum: of it the newest counts.
 */
export class Stretch {
  readonly #merger: Merger;
  /** The only window so far, which needs no copy; of a live heap the newest. */
  #newest: Profile;
  #isOne = true;

  constructor(first: Profile) {
    this.#merger = new Merger(first);
    this.#newest = first;
  }

  /** Throws a `SpanprofError` with code `PROFILES_INCOMPATIBLE` for a window of another kind. */
  add(window: Profile): void {
    const isState = window.profileType === 'heap';
    if (this.#isOne && !isState) this.#merger.addSamples(this.#newest);
    this.#merger.addHeader(window);
    if (!isState) this.#merger.addSamples(window);
    this.#newest = window;
    this.#isOne = false;
  }

  /** From the beginning of the first to the end of the last, gaps left out. */
  get durationNanos(): bigint {
    return this.#merger.header.durationNanos;
  }

  /** What it holds in memory. */
  get sampleCount(): number {
    return this.#newest.samples.stack.length + this.#merger.sampleCount;
  }

  /** The profile of the whole stretch. */
  build(): Profile {
    if (this.#isOne) return this.#newest;
    if (this.#newest.profileType !== 'heap') return this.#merger.build();
    const { timeNanos, durationNanos } = this.#merger.header;
    return { ...this.#newest, timeNanos, durationNanos };
  }
}
