/**
 * Which live memory grows and does not stop growing. Pure: fed with one heap profile a window, it
 * knows no clock and no V8.
 *
 * A leak, a cache that fills and a warm-up all grow at first. What tells a leak is that it goes on:
 * it has grown in each quarter of a stretch of windows, and in the second half about as much as in
 * the first. What is merely not collected yet is no growth either: the stretch ends with what the
 * last full collection has proven to be alive, and what looks like a leak but for that waits for one.
 * A load that comes and goes grows too, but to where it has been before: a leak reaches a new high.
 * And chance is ruled out: the samples that came and went in between are counted, and growth must be
 * several times the scatter that so many of them have. A leak's stay, so it is told early, and also
 * beside much that does not.
 */
import type { Labels, Profile } from '../profile/model.ts';
import { type Bytes, bytes, type Milliseconds, milliseconds } from '../units.ts';
import type { HeapAges } from './engine.ts';
import { type Growth, growthOf, MIN_SIGNIFICANCE, type Point } from './growth.ts';
import { type LiveSite, liveBySite, type Site, type SiteOwner } from './live-sites.ts';

/** One suspect. */
export interface Leak {
  readonly site: Site;
  /** Labels of who allocates there; empty if nobody is known. */
  readonly owner: Labels;
  readonly bytesNow: Bytes;
  readonly growthBytesPerHour: Bytes;
  /** Milliseconds since the Unix epoch. */
  readonly firstSeenMillis: Milliseconds;
  /** 0.5 at what is just enough for a report, towards 1 as growth rises above chance. */
  readonly confidence: number;
}

/** What is known of one window beside its live memory. */
export interface LeakWindow {
  readonly beginMillis: Milliseconds;
  readonly endMillis: Milliseconds;
  /** When the last full collection began, on the same clock as the others; undefined before. */
  readonly settledMillis: Milliseconds | undefined;
}

interface Series {
  readonly key: SiteOwner;
  readonly firstSeenMillis: number;
  points: Point[];
  /** What the last full collection has proven; undefined before one. */
  settled: Point | undefined;
}

/** Of a row; then every second point goes: old times need no detail. */
const MAX_POINTS = 64;
/** A program has a few hundred sites with a sample; beyond these the smallest are not followed. */
const MAX_SERIES = 1_000;
/** Recordings cut windows short; what is so short tells nothing, however many parts it has. */
const MIN_WINDOWS = 3.9;
/** Reports are for people. */
const MAX_LEAKS = 10;
/** Growth may stop tomorrow. */
const MAX_CONFIDENCE = 0.99;

export class LeakDetector {
  readonly #intervalBytes: number;
  readonly #minStretchMillis: number;
  #series = new Map<string, Series>();
  #leaks: readonly Leak[] = [];
  #isWaiting = false;

  /** `intervalBytes`: of heap sampling; a sample stands for about as much. */
  constructor(intervalBytes: number, windowMillis: Milliseconds) {
    this.#intervalBytes = intervalBytes;
    this.#minStretchMillis = MIN_WINDOWS * windowMillis;
  }

  /** The suspects as of the last window, the fastest first. */
  get leaks(): readonly Leak[] {
    return this.#leaks;
  }

  /** Whether what has been allocated since the last full collection speaks against a verdict. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Takes the `heap` profile of a window that has ended. */
  add(heap: Profile, ages: HeapAges, window: LeakWindow): void {
    const sites = [...liveBySite(heap, ages)].sort((a, b) => b[1].bytes - a[1].bytes);
    const next = new Map<string, Series>();
    for (const [id, site] of sites.slice(0, MAX_SERIES)) {
      const series = this.#series.get(id) ?? newSeries(site.key, window);
      series.points.push(pointAfter(series.points.at(-1), site, window));
      if (series.points.length > MAX_POINTS) series.points = thinned(series.points);
      series.settled = settledPoint(series.points, site, window);
      next.set(id, series);
    }
    this.#series = next;
    this.#leaks = this.#find();
  }

  /** Forgets everything: sampling has begun anew, so what is alive is not comparable. */
  reset(): void {
    this.#series.clear();
    this.#leaks = [];
    this.#isWaiting = false;
  }

  #find(): Leak[] {
    const leaks: Leak[] = [];
    this.#isWaiting = false;
    for (const series of this.#series.values()) {
      const { key, points, firstSeenMillis } = series;
      const found = this.#growthOf(settledPoints(series));
      const seemsToGrow = this.#growthOf(points) !== undefined;
      this.#isWaiting ||= seemsToGrow !== (found !== undefined);
      if (found === undefined) continue;
      leaks.push({
        site: key.site,
        owner: key.owner,
        bytesNow: bytes(points.at(-1)?.bytes ?? 0),
        growthBytesPerHour: bytes(Math.round(found.bytesPerHour)),
        firstSeenMillis: milliseconds(firstSeenMillis),
        confidence: Math.min(1 - 0.5 ** (found.significance / MIN_SIGNIFICANCE), MAX_CONFIDENCE),
      });
    }
    leaks.sort((a, b) => b.growthBytesPerHour - a.growthBytesPerHour);
    return leaks.slice(0, MAX_LEAKS);
  }

  #growthOf(points: readonly Point[]): Growth | undefined {
    return growthOf(points, this.#intervalBytes, this.#minStretchMillis);
  }
}

/** What had no sample until now had nothing alive when the window began. */
function newSeries(key: SiteOwner, window: LeakWindow): Series {
  const nothing = { atMillis: window.beginMillis, bytes: 0, turnover: 0 };
  return { key, firstSeenMillis: window.endMillis, points: [nothing], settled: undefined };
}

function pointAfter(before: Point | undefined, site: LiveSite, window: LeakWindow): Point {
  const { bytes: was = 0, turnover = 0 } = before ?? {};
  const come = site.bytes - site.survivedBytes;
  const gone = Math.max(0, was - site.survivedBytes);
  return {
    atMillis: window.endMillis,
    bytes: site.bytes,
    turnover: turnover + come + gone,
  };
}

function settledPoint(
  points: readonly Point[],
  { settledBytes }: LiveSite,
  { settledMillis }: LeakWindow,
): Point | undefined {
  if (settledMillis === undefined) return undefined;
  const after = points.find(({ atMillis }) => atMillis >= settledMillis);
  if (after === undefined) return undefined;
  return { atMillis: settledMillis, bytes: settledBytes, turnover: after.turnover };
}

/** What was seen before the last full collection, and then what that has proven. */
function settledPoints({ points, settled }: Series): readonly Point[] {
  if (settled === undefined) return [];
  return [...points.filter(({ atMillis }) => atMillis < settled.atMillis), settled];
}

/** Every second point; the first and the last stay. */
function thinned(points: readonly Point[]): Point[] {
  return points.filter((_, index) => index % 2 === 0 || index === points.length - 1);
}
