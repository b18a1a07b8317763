/**
 * Numbers with units as `go tool pprof` prints them, so that our tables and its can be compared:
 * `1.50s`, `512kB` (of 1,024 bytes), counts bare.
 */

/** A value in whatever unit of its kind suits it: (1500000, `nanoseconds`) → `1.50ms`. */
export function formatQuantity(value: number, unit: string): string {
  return commonScale([value], unit)(value);
}

/**
 * A function that prints values in one unit for a whole table. The unit suits the smallest value
 * that is not 0, unless that is tiny beside the largest.
 */
export function commonScale(values: readonly number[], unit: string): (value: number) => string {
  const kind = KINDS.find(({ names }) => names.includes(unit));
  if (kind === undefined) {
    const suffix = COUNTS.includes(unit) ? '' : unit;
    return (value) => withUnit(value, suffix);
  }
  const given = kind.steps[kind.names.indexOf(unit)]?.size ?? 1;
  const sizes = values.filter((value) => value !== 0).map((value) => Math.abs(value) * given);
  const smallest = sizes.reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY);
  const largest = sizes.reduce((one, other) => Math.max(one, other), 0);
  let step = stepFor(kind, smallest);
  if (step !== stepFor(kind, largest) && smallest * TINY < largest) {
    step = stepFor(kind, smallest * TINY);
  }
  return (value) => withUnit((value * given) / step.size, step.suffix);
}

/** A part of a whole in percent, six columns wide: ` 12.50%`, `  100%`, `0.031%`. */
export function formatPercent(part: number, whole: number): string {
  const percent = whole === 0 ? 0 : (part / whole) * 100;
  // What would print as 99.95 or more is all there is.
  if (percent >= 99.95 && percent <= 100.05) return '  100%';
  const text = percent >= 1 ? percent.toFixed(2) : twoDigits(percent);
  return `${text.padStart(5)}%`;
}

interface Step {
  readonly suffix: string;
  /** How many of the kind's smallest unit one of these is. */
  readonly size: number;
}
interface Kind {
  /** The units' names in pprof, in the order of `steps`; larger steps are for printing only. */
  readonly names: readonly string[];
  /** From small to large. */
  readonly steps: readonly Step[];
  /** What a 0 is given in. */
  readonly usual: Step;
}

const SECONDS: Step = { suffix: 's', size: 1e9 };
const BYTES: Step = { suffix: 'B', size: 1 };
const KINDS: readonly Kind[] = [
  {
    names: ['nanoseconds', 'microseconds', 'milliseconds', 'seconds'],
    steps: [
      { suffix: 'ns', size: 1 },
      { suffix: 'us', size: 1e3 },
      { suffix: 'ms', size: 1e6 },
      SECONDS,
      { suffix: 'hrs', size: 3600e9 },
    ],
    usual: SECONDS,
  },
  {
    names: ['bytes', 'kilobytes', 'megabytes'],
    steps: [
      BYTES,
      { suffix: 'kB', size: 2 ** 10 },
      { suffix: 'MB', size: 2 ** 20 },
      { suffix: 'GB', size: 2 ** 30 },
      { suffix: 'TB', size: 2 ** 40 },
    ],
    usual: BYTES,
  },
];
/** Units of which pprof prints nothing. */
const COUNTS: readonly string[] = ['', 'count', 'sample', 'unit'];
/** Two decimals are printed, so a value this much smaller than its unit can still be seen. */
const TINY = 100;

/** The largest step that the value fills. */
function stepFor(kind: Kind, size: number): Step {
  if (!Number.isFinite(size)) return kind.usual;
  return kind.steps.findLast((step) => size >= step.size) ?? kind.usual;
}

function withUnit(value: number, suffix: string): string {
  const digits = value.toFixed(2).replace(/\.00$/, '');
  return digits === '0' || digits === '-0' ? '0' : digits + suffix;
}

/** Two significant digits without zeros at the end, like `%.2g` of C. */
function twoDigits(value: number): string {
  if (value === 0) return '0';
  const [mantissa = '', exponent = ''] = value.toExponential(1).split('e');
  if (Number(exponent) >= -4) return String(Number(value.toPrecision(2)));
  return `${Number(mantissa)}e-${exponent.slice(1).padStart(2, '0')}`;
}
