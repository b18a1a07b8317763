/**
 * Which live memory grows and does not stop growing. Pure: fed with one heap profile a window, it
 * knows no clock and no V8.
 *
 * A leak, a cache that fills and a warm-up all grow at first. What tells a leak is that it goes on:
 * it has grown in each quarter of a stretch of windows, and in the second half about as much as in
 * the first. What is merely not collected yet is no growth either: the stretch ends with what the last
 * full collection has proven to be alive, and what looks like a leak but for that waits for one. A load that comes and goes
 * grows too, but to where it has been before: a leak reaches a new high. And chance is ruled out: the
 * samples that came and went in between are counted, and growth must be several times the scatter
 * that so many of them have. A leak's stay, so it is told early, and also beside much that does not.
 */
import type { Labels, Profile } from '../profile/model.ts';
import { type Bytes, bytes, type Milliseconds, milliseconds } from '../units.ts';
import type { HeapAges } from './engine.ts';
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

interface Point {
  readonly atMillis: number;
  readonly bytes: number;
  /** Bytes of the samples that have come or gone until now. */
  readonly turnover: number;
}

interface Series {
  readonly key: SiteOwner;
  readonly firstSeenMillis: number;
  points: Point[];
  /** What the last full collection has proven; undefined before one. */
  settled: Point | undefined;
}

/** Five points have four steps, one for each quarter: the least that can be told from a warm-up. */
const MIN_POINTS = 5;
/** Recordings cut windows short; what is so short tells nothing, however many parts it has. */
const MIN_WINDOWS = 3.9;
/** Then every second one goes: old times need no detail. */
const MAX_POINTS = 64;
/** A program has a few hundred sites with a sample; beyond these the smallest are not followed. */
const MAX_SERIES = 1_000;
/** Standard errors: three are passed by chance now and then, five practically never. */
const MIN_SIGNIFICANCE = 5;
/** Each quarter is fewer samples, and there are four of them. */
const MIN_QUARTER_SIGNIFICANCE = 2;
/** What grows by less is no trouble yet. */
const MIN_GROWTH_BYTES = 1024 * 1024;
/** A cache that levels off slows down first: of all growth the second half must surely have this much. */
const MIN_SECOND_HALF = 0.4;
/** Of what has been before: the highest of many points is high by chance. */
const MIN_ABOVE_SCATTER = 2;
const QUARTERS = 4;
/** Reports are for people. */
const MAX_LEAKS = 10;
const MILLIS_PER_HOUR = 3_600_000;

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

  /** Whether something looks like a leak, but was allocated after the last full collection. */
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
      if (found === undefined) {
        this.#isWaiting ||= this.#growthOf(points) !== undefined;
        continue;
      }
      leaks.push({
        site: key.site,
        owner: key.owner,
        bytesNow: bytes(points.at(-1)?.bytes ?? 0),
        growthBytesPerHour: bytes(Math.round(found.bytesPerHour)),
        firstSeenMillis: milliseconds(firstSeenMillis),
        confidence: 1 - 0.5 ** (found.significance / MIN_SIGNIFICANCE),
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

interface Growth {
  readonly bytesPerHour: number;
  readonly significance: number;
}

/** The most significant growth among stretches of several lengths that end now. */
function growthOf(
  points: readonly Point[],
  intervalBytes: number,
  minStretchMillis: number,
): Growth | undefined {
  const last = points.at(-1);
  let best: Growth | undefined;
  for (let length = points.length; length >= MIN_POINTS; length = shorter(length)) {
    const stretch = points.slice(-length);
    if (last === undefined || last.atMillis - (stretch[0]?.atMillis ?? 0) < minStretchMillis) break;
    if (!isNewHigh(points, length, intervalBytes)) continue;
    const found = growthOver(stretch, intervalBytes);
    if (found !== undefined && found.significance > (best?.significance ?? 0)) best = found;
  }
  return best;
}

/** By a quarter, at least by one: a few lengths tell as much as all. */
const shorter = (length: number): number => Math.min(length - 1, Math.ceil(0.75 * length));

function growthOver(points: readonly Point[], intervalBytes: number): Growth | undefined {
  const [first, , middle, , last] = quarters(points);
  if (first === undefined || middle === undefined || last === undefined) return undefined;
  if (!growsOn(points, intervalBytes)) return undefined;
  const growth = last.bytes - first.bytes;
  const significance = growth / standardError(first, last, intervalBytes);
  if (growth < MIN_GROWTH_BYTES || significance < MIN_SIGNIFICANCE) return undefined;
  const second = last.bytes - middle.bytes - standardError(middle, last, intervalBytes);
  if (second < MIN_SECOND_HALF * growth) return undefined;
  const hours = (last.atMillis - first.atMillis) / MILLIS_PER_HOUR;
  return { bytesPerHour: growth / hours, significance };
}

/**
 * Of the difference between two points. Samples come and go independently, so their number scatters
 * by its root; at least one has.
 */
function standardError(from: Point, to: Point, intervalBytes: number): number {
  return Math.sqrt(Math.max(to.turnover - from.turnover, intervalBytes) * intervalBytes);
}

/** Grown in each quarter, and never back to where the first one was. */
function growsOn(points: readonly Point[], intervalBytes: number): boolean {
  const bounds = quarters(points);
  for (const [i, bound] of bounds.entries()) {
    const before = bounds[i - 1];
    if (before !== undefined && !isAbove(bound, before, MIN_QUARTER_SIGNIFICANCE, intervalBytes)) {
      return false;
    }
  }
  const [, early, middle] = bounds;
  if (early === undefined || middle === undefined) return false;
  const before = points.filter(({ atMillis }) => atMillis <= early.atMillis);
  const after = points.filter(({ atMillis }) => atMillis >= middle.atMillis);
  const bytesOf = (point: Point): number => point.bytes;
  return Math.min(...after.map(bytesOf)) >= Math.max(...before.map(bytesOf));
}

/** By more standard errors than given. */
function isAbove(point: Point, before: Point, errors: number, intervalBytes: number): boolean {
  return point.bytes - before.bytes > errors * standardError(before, point, intervalBytes);
}

/** The points at which the quarters begin and end, by time: older points are further apart. */
function quarters(points: readonly Point[]): Point[] {
  const start = points[0]?.atMillis ?? 0;
  const length = (points.at(-1)?.atMillis ?? 0) - start;
  return Array.from({ length: QUARTERS + 1 }, (_, quarter) => {
    const atMillis = start + (quarter * length) / QUARTERS;
    return points.filter((point) => point.atMillis <= atMillis).at(-1);
  }).filter((point) => point !== undefined);
}

/** Whether a stretch ends higher than it has ever been before it, by more than scatter. */
function isNewHigh(points: readonly Point[], length: number, intervalBytes: number): boolean {
  const last = points.at(-1);
  return points
    .slice(0, -length)
    .every(
      (before) => last !== undefined && isAbove(last, before, MIN_ABOVE_SCATTER, intervalBytes),
    );
}

/** Every second point; the first and the last stay. */
function thinned(points: readonly Point[]): Point[] {
  return points.filter((_, index) => index % 2 === 0 || index === points.length - 1);
}
