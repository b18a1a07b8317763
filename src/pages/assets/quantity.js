/** Numbers as people read them: three digits and a unit. */

const SCALES = {
  nanoseconds: [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
    [1, 'ns'],
  ],
  bytes: [
    [2 ** 30, 'GiB'],
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
    [1, 'B'],
  ],
};

/**
 * @param {number} value
 * @param {string} unit as pprof names it
 */
export function quantity(value, unit) {
  /** @type {(string | number)[][]} */
  const scale = SCALES[/** @type {keyof typeof SCALES} */ (unit)] ?? [];
  const size = Math.abs(value);
  for (const [step, suffix] of scale) {
    if (size >= Number(step)) return `${threeDigits(value / Number(step))} ${suffix}`;
  }
  return value.toLocaleString('en');
}

/** @param {number} value */
function threeDigits(value) {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

/**
 * @param {number} part
 * @param {number} whole
 */
export function percent(part, whole) {
  if (whole === 0) return '0 %';
  const value = (part / whole) * 100;
  return `${value >= 9.95 || value === 0 ? value.toFixed(0) : value.toFixed(value >= 0.1 ? 1 : 2)} %`;
}

/**
 * The change from one to the other as `+12 %`.
 * @param {number} before
 * @param {number} after
 */
export function change(before, after) {
  if (before === 0) return after === 0 ? '±0 %' : 'new';
  const value = (after / before - 1) * 100;
  if (Math.abs(value) < 0.5) return '±0 %';
  return `${value > 0 ? '+' : '−'}${Math.abs(value).toFixed(0)} %`;
}
