/** Bar charts that can be read on a light and on a dark page. */

const WIDTH = 860;
const LABEL_WIDTH = 240;
const VALUE_WIDTH = 90;
const BAR_HEIGHT = 15;
const BAR_GAP = 4;
const GROUP_GAP = 34;
const TOP = 56;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .group { font-weight: 600 }
  .note, .value { fill: #59636e }
  .ours { fill: #0969da }
  .peer { fill: #8c959f }
  .floor { fill: #bc4c00 }
  .line { stroke: #59636e; stroke-width: 1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .note, .value { fill: #9198a1 }
    .ours { fill: #4493f8 }
    .peer { fill: #6e7681 }
    .floor { fill: #f0883e }
    .line { stroke: #9198a1 }
  }`;

/**
 * @typedef {object} Bar
 * @property {string} label
 * @property {number} value
 * @property {number} [error] half of the whisker
 * @property {boolean} [isOurs]
 * @property {boolean} [isFloor] what nothing can be below of
 */

/**
 * Horizontal bars in groups; each group has a scale of its own, as loads differ by much.
 * @param {{ title: string, unit: string, note: string, groups: readonly { label: string, bars: readonly Bar[] }[] }} chart
 */
export function barChart({ title, unit, note, groups }) {
  const lines = [];
  let y = TOP;
  for (const { label, bars } of groups) {
    const finite = bars.filter(({ value }) => Number.isFinite(value));
    if (finite.length === 0) continue;
    lines.push(text(0, y, label, 'group'));
    y += 10;
    const most = Math.max(...finite.map((bar) => bar.value + (bar.error ?? 0)), 0);
    const least = Math.min(...finite.map((bar) => bar.value - (bar.error ?? 0)), 0);
    const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / (most - least || 1);
    const x = (/** @type {number} */ value) => LABEL_WIDTH + (value - least) * scale;
    const groupTop = y;
    for (const { label: name, value, error, isOurs, isFloor } of finite) {
      const middle = y + BAR_HEIGHT / 2;
      const kind = isFloor ? 'floor' : isOurs ? 'ours' : 'peer';
      lines.push(text(LABEL_WIDTH - 8, middle + 4, name, '', 'end'));
      lines.push(
        rectangle(Math.min(x(0), x(value)), y, Math.max(Math.abs(value * scale), 1), kind),
      );
      if (error !== undefined && Number.isFinite(error)) {
        lines.push(line(x(value - error), middle, x(value + error), middle));
      }
      const shown = `${value.toFixed(Math.abs(value) >= 100 ? 0 : 1)} ${unit}`;
      lines.push(text(WIDTH, middle + 4, shown, 'value', 'end'));
      y += BAR_HEIGHT + BAR_GAP;
    }
    lines.push(line(x(0), groupTop - 2, x(0), y - BAR_GAP + 2));
    y += GROUP_GAP;
  }
  const height = y;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 0 ${WIDTH + 20} ${height}" role="img" aria-label="${escaped(title)}">
<style>${STYLE}
</style>
${[text(0, 20, title, 'title'), ...lines, text(0, height - 12, note, 'note')].join('\n')}
</svg>
`;
}

const round = (/** @type {number} */ value) => Math.round(value * 10) / 10;
const escaped = (/** @type {string} */ value) =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** @param {number} x @param {number} y @param {string} value @param {string} kind @param {string} [anchor] */
function text(x, y, value, kind, anchor) {
  const attributes = `${kind === '' ? '' : ` class="${kind}"`}${anchor === undefined ? '' : ` text-anchor="${anchor}"`}`;
  return `<text x="${round(x)}" y="${round(y)}"${attributes}>${escaped(value)}</text>`;
}

/** @param {number} x @param {number} y @param {number} width @param {string} kind */
const rectangle = (x, y, width, kind) =>
  `<rect class="${kind}" x="${round(x)}" y="${y}" width="${round(width)}" height="${BAR_HEIGHT}" rx="2"/>`;

/** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 */
const line = (x1, y1, x2, y2) =>
  `<line class="line" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`;
