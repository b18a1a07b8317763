/** Whether a row of live bytes grows and does not stop growing; see leaks.ts. Pure. */

/** Live bytes at one moment. */
export interface Point {
  readonly atMillis: number;
  readonly bytes: number;
  /** Bytes of the samples that have come or gone until now. */
  readonly turnover: number;
}

export interface Growth {
  readonly bytesPerHour: number;
  readonly significance: number;
}

/** Five points have four steps, one for each quarter: the least that can be told from a warm-up. */
const MIN_POINTS = 5;
/** Standard errors: three are passed by chance now and then, five practically never. */
export const MIN_SIGNIFICANCE = 5;
/** Each quarter is fewer samples, and there are four of them. */
const MIN_QUARTER_SIGNIFICANCE = 2;
/** What grows by less is no trouble yet. */
const MIN_GROWTH_BYTES = 1024 * 1024;
/** A cache that levels off slows down first: of all growth the second half must surely have this much. */
const MIN_SECOND_HALF = 0.4;
/** Of what has been before: the highest of many points is high by chance. */
const MIN_ABOVE_SCATTER = 2;
const QUARTERS = 4;
const MILLIS_PER_HOUR = 3_600_000;

/** The most significant growth among stretches of several lengths that end now. */
export function growthOf(
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

/**
 * The points closest to where the quarters begin and end, by time: older points are further apart, and
 * windows are not quite of one length.
 */
function quarters(points: readonly Point[]): Point[] {
  const start = points[0]?.atMillis ?? 0;
  const length = (points.at(-1)?.atMillis ?? 0) - start;
  return Array.from({ length: QUARTERS + 1 }, (_, quarter) => {
    const atMillis = start + (quarter * length) / QUARTERS;
    return closest(points, atMillis);
  }).filter((point) => point !== undefined);
}

function closest(points: readonly Point[], atMillis: number): Point | undefined {
  let best = points[0];
  for (const point of points) {
    if (best === undefined) break;
    if (Math.abs(point.atMillis - atMillis) <= Math.abs(best.atMillis - atMillis)) best = point;
  }
  return best;
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
