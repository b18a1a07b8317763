/** What the demo writes to the terminal: colours where there is one, a line that moves, tables. */

const colours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
/** @returns {(text: string) => string} */
const paint = (/** @type {string} */ code) => (text) =>
  colours ? `\u001b[${code}m${text}\u001b[0m` : text;

export const bold = paint('1');
export const dim = paint('2');

/** Writes a line. @param {string} [line] */
export function say(line = '') {
  process.stdout.write(`${line}\n`);
}

/**
 * @typedef {object} Progress
 * @property {(text: string) => void} update
 * @property {(text: string) => void} done
 * @property {() => void} clear makes room for an error message
 */

/**
 * A line about something under way. On a terminal `update` rewrites it; elsewhere only the last
 * word, `done`, is written.
 *
 * @param {string} title
 * @returns {Progress}
 */
export function progress(title) {
  const startMillis = performance.now();
  const elapsed = () => `${((performance.now() - startMillis) / 1000).toFixed(1)} s`;
  const rewrite = (/** @type {string} */ text) => {
    if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${text}`);
  };
  rewrite(`${title} …`);
  return {
    update: (text) => rewrite(`${title}: ${text}, ${elapsed()}`),
    done: (text) => {
      rewrite('');
      say(`${title}: ${text}, ${elapsed()}`);
    },
    clear: () => rewrite(''),
  };
}

/**
 * Rows under headings, columns as wide as they need to be.
 *
 * @param {readonly string[]} headings a heading that starts with `>` aligns its column to the right
 * @param {readonly (readonly string[])[]} rows
 */
export function table(headings, rows) {
  const titles = headings.map((heading) => heading.replace(/^>/, ''));
  const widths = titles.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (/** @type {readonly string[]} */ cells) =>
    cells
      .map((cell, i) => {
        const width = widths[i] ?? 0;
        return headings[i]?.startsWith('>') ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  say(`  ${dim(line(titles))}`);
  for (const row of rows) say(`  ${line(row)}`);
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const kibibytes = bytes / 1024;
  return kibibytes < 1024 ? `${kibibytes.toFixed(1)} KiB` : `${(kibibytes / 1024).toFixed(1)} MiB`;
}
