/** Pieces of a page, and how numbers are written on it. */

/** @param {readonly string[]} heading @param {readonly (readonly string[])[]} rows */
export function table(heading, rows) {
  const rule = heading.map((_, i) => (i === 0 ? '---' : '---:'));
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map(escapeCell).join(' | ')} |`;
  return [line(heading), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}

/** @param {string} cell */
const escapeCell = (cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ');

/**
 * A number with some three digits that count.
 * @param {number | undefined} value
 */
export function number(value) {
  if (value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** 1.0123 → "+1.2 %". @param {number} ratio */
export function percentMore(ratio) {
  const percent = (ratio - 1) * 100;
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)} %`;
}

/**
 * A ratio with its error, or the words for one that two equal variants could have too.
 * @param {{ ratio: number, error: number, rounds: number }} comparison @param {number} floor
 */
export function change({ ratio, error, rounds }, floor) {
  if (rounds === 0 || !Number.isFinite(ratio)) return '–';
  if (Math.abs(ratio - 1) <= floor) return `not measurable (${percentMore(ratio)})`;
  const margin = Number.isFinite(error) ? ` ± ${(error * 100).toFixed(1)}` : '';
  return `**${percentMore(ratio)}**${margin}`;
}

/** 0.99996 → "99.99 %", never rounded up to all. @param {number} share */
export function percent(share) {
  if (!Number.isFinite(share)) return '–';
  return share === 1 ? '100 %' : `${(Math.floor(share * 1e4) / 100).toFixed(2)} %`;
}

/** @param {number} bytes */
export const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** The first line of a failure, short enough for a table. @param {string} reason */
export function shortReason(reason) {
  const line =
    reason
      .trim()
      .split('\n')
      .find((text) => text.trim() !== '') ?? 'no reason given';
  return line.length > 120 ? `${line.slice(0, 117)}…` : line;
}
