/** A bill as its reader sees it. */
import { bytes, microseconds } from '../units.ts';
import { type Bill, Estimates } from './bill.ts';
import type { RowFigures } from './table.ts';
import { type Amounts, METHODS, type Totals, type Usage, type UsageMethod } from './usage.ts';

const MICROS_PER_MILLI = 1_000;
const NOTHING = new Estimates();

const whole = (value: number): number => Math.round(value);
const micros = (millis: number) => microseconds(whole(millis * MICROS_PER_MILLI));

/** The process at the moment of reading. */
export interface ProcessFigures {
  readonly nowMillis: number;
  readonly peakHeapBytes: number;
  readonly openAtPeak: number;
  readonly externalBytes: number;
  /** Whether rows have the bytes. */
  readonly countsBytes: boolean;
  /** Distance of CPU samples; undefined if there are none. */
  readonly cpuPeriodMillis: number | undefined;
  /** Mean distance of heap samples; undefined if the heap is not sampled with labels. */
  readonly heapIntervalBytes: number | undefined;
}

/** With everything inside; all that a span states. */
export function totalsOf(bill: Bill, row: RowFigures, process: ProcessFigures): Totals {
  const inclusive = bill.inclusive ?? NOTHING;
  return {
    cpuMicros: micros(row.cpuInclusive + inclusive.sampledCpuMillis),
    wallMicros: micros(wallMillisOf(bill, process)),
    allocatedBytes: bytes(
      whole(countsBytesOf(bill, process) ? row.bytesInclusive : inclusive.allocatedBytes),
    ),
    peakHeapBytes: bytes(whole(process.peakHeapBytes)),
    peakLiveBytes: bytes(whole(inclusive.peakLiveBytes)),
    externalBytes: bytes(whole(process.externalBytes - bill.externalBytes)),
    gcMicros: micros(inclusive.gcMillis),
    turns: row.turnsInclusive,
    longestTurnMicros: micros(row.longestInclusive),
    cpuMethod: bill.isSampled ? 'sampled' : 'exact',
  };
}

export function statementOf(bill: Bill, row: RowFigures, process: ProcessFigures): Usage {
  const totals = totalsOf(bill, row, process);
  const countsBytes = countsBytesOf(bill, process);
  const self = bill.self ?? NOTHING;
  const inclusive = bill.inclusive ?? NOTHING;
  const wallMillis = wallMillisOf(bill, process);
  const insideMillis =
    bill.insideMillis + (bill.openInside > 0 ? process.nowMillis - bill.insideSinceMillis : 0);
  const own: Amounts = {
    cpuMicros: micros(row.cpu + self.sampledCpuMillis),
    wallMicros: micros(Math.max(0, wallMillis - insideMillis)),
    allocatedBytes: bytes(whole(countsBytes ? row.bytes : self.allocatedBytes)),
    peakHeapBytes: totals.peakHeapBytes,
    peakLiveBytes: bytes(whole(self.peakLiveBytes)),
    externalBytes: totals.externalBytes,
    gcMicros: micros(self.gcMillis),
    turns: row.turns,
    longestTurnMicros: micros(row.longest),
  };
  // Field by field: copying objects into others is slow.
  return {
    cpuMicros: totals.cpuMicros,
    wallMicros: totals.wallMicros,
    allocatedBytes: totals.allocatedBytes,
    peakHeapBytes: totals.peakHeapBytes,
    peakLiveBytes: totals.peakLiveBytes,
    externalBytes: totals.externalBytes,
    gcMicros: totals.gcMicros,
    turns: totals.turns,
    longestTurnMicros: totals.longestTurnMicros,
    self: own,
    method: methodsOf(totals.cpuMethod, countsBytes),
    stdError: errorsOf(bill, inclusive, countsBytes, wallMillis, process),
    openAtPeak: process.openAtPeak,
    labels: bill.labels,
  };
}

const wallMillisOf = (bill: Bill, { nowMillis }: ProcessFigures): number =>
  (bill.endedMillis ?? nowMillis) - bill.openedMillis;

/** While CPU was estimated nobody counted bytes either. */
const countsBytesOf = (bill: Bill, { countsBytes }: ProcessFigures): boolean =>
  countsBytes && !bill.isSampled;

function methodsOf(cpu: UsageMethod, countsBytes: boolean): Usage['method'] {
  if (countsBytes) return { ...METHODS, allocatedBytes: 'exact' };
  if (cpu === 'exact') return METHODS;
  return { ...METHODS, cpuMicros: cpu, turns: cpu, longestTurnMicros: cpu };
}

/** One sample that was not taken is always possible: an estimate is never surer than an interval. */
function errorsOf(
  bill: Bill,
  figures: Estimates,
  countsBytes: boolean,
  wallMillis: number,
  { heapIntervalBytes, cpuPeriodMillis }: ProcessFigures,
): Usage['stdError'] {
  const { allocatedBytes, allocatedVariance } = figures;
  const least = heapIntervalBytes ?? Number.POSITIVE_INFINITY;
  // Without samples it may have run all the time.
  const leastMillis = cpuPeriodMillis ?? wallMillis;
  const allocatedError = Math.max(Math.sqrt(allocatedVariance), least);
  const share = allocatedBytes > 0 ? allocatedError / allocatedBytes : 1;
  const errors: { -readonly [figure in keyof Usage['stdError']]: number } = {};
  if (!countsBytes) errors.allocatedBytes = whole(allocatedError);
  errors.peakLiveBytes = whole(Math.max(Math.sqrt(figures.peakLiveVariance), least));
  errors.gcMicros = whole(figures.gcMillis * MICROS_PER_MILLI * Math.min(1, share));
  if (bill.isSampled) {
    const cpuErrorMillis = Math.max(Math.sqrt(figures.sampledCpuVariance), leastMillis);
    errors.cpuMicros = whole(cpuErrorMillis * MICROS_PER_MILLI);
  }
  return errors;
}
