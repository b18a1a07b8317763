/**
 * The unit that goes with a label's number in pprof, read from the end of its key (`queue_bytes`).
 *
 * Every number gets one. Without a unit a 0 could not be told from "no value", so readers drop it,
 * and `go tool pprof` would take the key for the unit and print `3retries`. `count` prints bare.
 */
export function unitOfLabel(key: string): string {
  const ending = key.slice(key.lastIndexOf('_') + 1);
  return UNITS.get(ending) ?? 'count';
}

/** Ending of a key → the name under which `go tool pprof` knows the unit and can scale it. */
const UNITS: ReadonlyMap<string, string> = new Map([
  ['bytes', 'bytes'],
  ['nanos', 'nanoseconds'],
  ['nanoseconds', 'nanoseconds'],
  ['micros', 'microseconds'],
  ['microseconds', 'microseconds'],
  ['millis', 'milliseconds'],
  ['milliseconds', 'milliseconds'],
  ['seconds', 'seconds'],
]);
