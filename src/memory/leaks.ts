/**
 * Which live memory grows and does not stop growing. Pure: fed with one heap profile a window, it
 * knows no clock and no V8.
 *
 * A leak, a cache that fills and a warm-up all grow at first. What tells a leak is that it goes on:
 * it has grown in each quarter of a stretch of windows, and in the second half about as much as in
 * the first. What is merely not collected yet is no growth either: the end of the stretch is the
 * last window in which V8 did a full collection, and there must be one. A load that comes and goes
 * grows too, but to where it has been before: a leak reaches a new high. And chance is ruled out:
 * sampled bytes scatter, so the growth must be several times its standard error.
 */
import type { Labels, Profile } from '../profile/model.ts';
import { type Bytes, bytes, type Milliseconds, milliseconds } from '../units.ts';
import { liveBySite, type Site, type SiteOwner } from './live-sites.ts';

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
  readonly endMillis: Milliseconds;
  /** Full collections so far. */
  readonly fullCollections: number;
}

interface Point {
  readonly atMillis: number;
  readonly bytes: number;
  readonly fullCollections: number;
}

interface Series {
  readonly key: SiteOwner;
  readonly firstSeenMillis: number;
  points: Point[];
}

/** Five windows have four steps, one for each quarter: the least that can be told from a warm-up. */
const MIN_POINTS = 5;
/** Then every second one goes: old times need no detail. */
const MAX_POINTS = 64;
/** A program has a few hundred sites with a sample; beyond these the smallest are not followed. */
const MAX_SERIES = 1_000;
/** Standard errors: three are passed by chance now and then, five practically never. */
const MIN_SIGNIFICANCE = 5;
/** What grows by less is no trouble yet. */
const MIN_GROWTH_BYTES = 1024 * 1024;
/** A cache that levels off slows down first: of all growth the second half must have this much. */
const MIN_SECOND_HALF = 0.4;
/** That half is fewer samples, so less can be asked of it. */
const MIN_HALF_SIGNIFICANCE = 3.5;
/** Of what has been before: the highest of many points is high by chance. */
const MIN_ABOVE_SCATTER = 2;
const QUARTERS = 4;
/** Reports are for people. */
const MAX_LEAKS = 10;
const MILLIS_PER_HOUR = 3_600_000;

export class LeakDetector {
  readonly #intervalBytes: number;
  #series = new Map<string, Series>();
  #leaks: readonly Leak[] = [];

  /** `intervalBytes`: of heap sampling; a sample stands for about as much. */
  constructor(intervalBytes: number) {
    this.#intervalBytes = intervalBytes;
  }

  /** The suspects as of the last window, the fastest first. */
  get leaks(): readonly Leak[] {
    return this.#leaks;
  }

  /** Takes the `heap` profile of a window that has ended. */
  add(heap: Profile, window: LeakWindow): void {
    const sites = [...liveBySite(heap)].sort((a, b) => b[1].bytes - a[1].bytes);
    const next = new Map<string, Series>();
    for (const [id, { key, bytes: live }] of sites.slice(0, MAX_SERIES)) {
      const series = this.#series.get(id) ?? {
        key,
        firstSeenMillis: window.endMillis,
        points: [],
      };
      series.points.push({
        atMillis: window.endMillis,
        bytes: live,
        fullCollections: window.fullCollections,
      });
      if (series.points.length > MAX_POINTS) series.points = thinned(series.points);
      next.set(id, series);
    }
    this.#series = next;
    this.#leaks = this.#find();
  }

  /** Forgets everything: sampling has begun anew, so what is alive is not comparable. */
  reset(): void {
    this.#series.clear();
    this.#leaks = [];
  }

  #find(): Leak[] {
    const leaks: Leak[] = [];
    for (const { key, points, firstSeenMillis } of this.#series.values()) {
      const found = growthOf(points, this.#intervalBytes);
      if (found === undefined) continue;
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
}

interface Growth {
  readonly bytesPerHour: number;
  readonly significance: number;
}

/** The most significant growth among stretches of all lengths that end now. */
function growthOf(points: readonly Point[], intervalBytes: number): Growth | undefined {
  let best: Growth | undefined;
  for (let length = MIN_POINTS; length <= points.length; length += Math.ceil(length / 3)) {
    if (!isNewHigh(points, length, intervalBytes)) continue;
    const found = growthOver(points.slice(-length), intervalBytes);
    if (found !== undefined && found.significance > (best?.significance ?? 0)) best = found;
  }
  return best;
}

function growthOver(points: readonly Point[], intervalBytes: number): Growth | undefined {
  const [first, , middle, , last] = quarters(points);
  const settled = lastSettled(points);
  if (first === undefined || middle === undefined || last === undefined) return undefined;
  if (settled === undefined || !growsOn(points)) return undefined;
  const growth = settled.bytes - first.bytes;
  const significance = growth / standardError(first, settled, intervalBytes);
  if (growth < MIN_GROWTH_BYTES || significance < MIN_SIGNIFICANCE) return undefined;
  const second = last.bytes - middle.bytes;
  if (second < MIN_SECOND_HALF * (last.bytes - first.bytes)) return undefined;
  if (second < MIN_HALF_SIGNIFICANCE * standardError(middle, last, intervalBytes)) return undefined;
  const hours = (settled.atMillis - first.atMillis) / MILLIS_PER_HOUR;
  return { bytesPerHour: growth / hours, significance };
}

/** Of a difference. Samples come and go independently, so their number scatters by its root. */
function standardError(a: Point, b: Point, intervalBytes: number): number {
  return Math.sqrt((a.bytes + b.bytes) * intervalBytes);
}

/** The last point with a full collection right before it. */
function lastSettled(points: readonly Point[]): Point | undefined {
  for (let at = points.length - 1; at > 0; at--) {
    const point = points[at];
    if (point !== undefined && point.fullCollections > (points[at - 1]?.fullCollections ?? 0)) {
      return point;
    }
  }
  return undefined;
}

/** Grown from quarter to quarter, and never back to where the first one was. */
function growsOn(points: readonly Point[]): boolean {
  const bounds = quarters(points);
  for (const [i, bound] of bounds.entries()) {
    if (i > 0 && bound.bytes <= (bounds[i - 1]?.bytes ?? 0)) return false;
  }
  const [, early, middle] = bounds;
  if (early === undefined || middle === undefined) return false;
  const before = points.filter(({ atMillis }) => atMillis <= early.atMillis);
  const after = points.filter(({ atMillis }) => atMillis >= middle.atMillis);
  const bytesOf = (point: Point): number => point.bytes;
  return Math.min(...after.map(bytesOf)) >= Math.max(...before.map(bytesOf));
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
  return points.slice(0, -length).every((before) => {
    if (last === undefined) return false;
    const scatter = standardError(before, last, intervalBytes);
    return last.bytes - before.bytes > MIN_ABOVE_SCATTER * scatter;
  });
}

/** Every second point; the first and the last stay. */
function thinned(points: readonly Point[]): Point[] {
  return points.filter((_, index) => index % 2 === 0 || index === points.length - 1);
}
