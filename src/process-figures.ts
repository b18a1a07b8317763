import { performance } from 'node:perf_hooks';
import { readMemoryUsage } from './memory/gauges.ts';
import { type Bytes, bytes, type Microseconds, microseconds, NANOS_PER_MILLI } from './units.ts';

/** What the operating system and the event loop say of this process and thread; sums are since the start. */
export interface ProcessFigures {
  /** CPU time of all threads. */
  readonly cpuMicros: Microseconds;
  readonly uptimeMicros: Microseconds;
  readonly residentBytes: Bytes;
  readonly heapUsedBytes: Bytes;
  /** Array buffers and native objects that V8 knows of. */
  readonly externalBytes: Bytes;
  /** Time this thread's event loop ran code, and waited. */
  readonly loopActiveMicros: Microseconds;
  readonly loopIdleMicros: Microseconds;
}

/** Takes some tens of microseconds; never throws. */
export function processFigures(): ProcessFigures {
  const { rss, heapUsed, external } = readMemoryUsage();
  const { user, system } = process.cpuUsage();
  const { active, idle } = performance.eventLoopUtilization();
  return {
    cpuMicros: microseconds(user + system),
    uptimeMicros: microseconds(Math.round(process.uptime() * 1e6)),
    residentBytes: bytes(rss),
    heapUsedBytes: bytes(heapUsed),
    externalBytes: bytes(external),
    loopActiveMicros: microsOf(active),
    loopIdleMicros: microsOf(idle),
  };
}

const MICROS_PER_MILLI = NANOS_PER_MILLI / 1_000;

function microsOf(millis: number): Microseconds {
  return microseconds(Math.round(millis * MICROS_PER_MILLI));
}
