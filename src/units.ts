/**
 * Units as types: a number that carries its unit cannot be passed where another unit is wanted.
 * Plain arithmetic gives a plain `number` back; the constructors below put the unit on again.
 */

declare const unit: unique symbol;

type Unit<Name extends string> = number & { readonly [unit]: Name };

/** A span of time, or a moment on the monotonic clock, in nanoseconds (exact up to 104 days). */
export type Nanoseconds = Unit<'ns'>;
/** A span of time in microseconds. */
export type Microseconds = Unit<'us'>;
/** A span of time, or a moment since the Unix epoch, in milliseconds. */
export type Milliseconds = Unit<'ms'>;
/** A span of time in seconds. */
export type Seconds = Unit<'s'>;
/** An amount of memory in bytes. */
export type Bytes = Unit<'B'>;

export const nanoseconds = (value: number): Nanoseconds => value as Nanoseconds;
export const microseconds = (value: number): Microseconds => value as Microseconds;
export const milliseconds = (value: number): Milliseconds => value as Milliseconds;
export const seconds = (value: number): Seconds => value as Seconds;
export const bytes = (value: number): Bytes => value as Bytes;

export const NANOS_PER_MICRO = 1_000;
export const NANOS_PER_MILLI = 1_000_000;
export const NANOS_PER_SECOND = 1_000_000_000;
export const MICROS_PER_SECOND = 1_000_000;
export const MILLIS_PER_SECOND = 1_000;

/** Whole ones; a moment or a span of time as profiles have it. */
export const nanosToMillis = (nanos: bigint): Milliseconds =>
  milliseconds(Number(nanos / BigInt(NANOS_PER_MILLI)));

export const secondsToMillis = (value: Seconds): Milliseconds =>
  milliseconds(value * MILLIS_PER_SECOND);
