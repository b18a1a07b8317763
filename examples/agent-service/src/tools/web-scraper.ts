import { type CheerioAPI, load } from 'cheerio';
import type { Passage, Tool } from '../types.ts';
import { putBounded, textArgument } from './input.ts';

/** Pages kept in a session's workspace. */
const MAX_PAGES = 4;

export const webScraper: Tool = {
  name: 'web_scraper',
  description: 'Reads a page and extracts its passages and tables. Argument: page.',
  async execute(input, { workspace, readDocument }) {
    const page = textArgument(input, 'page');
    const $ = load(await readDocument(page));
    const passages = extractPassages($, page);
    const tables = extractTables($);
    putBounded(workspace.pages, page, passages, MAX_PAGES);
    workspace.index = undefined;
    const rows = tables.reduce((sum, table) => sum + table.length, 0);
    return `${$('h1').first().text()}: ${passages.length} passages, ${tables.length} tables with ${rows} rows`;
  },
};

function extractPassages($: CheerioAPI, page: string): Passage[] {
  const passages: Passage[] = [];
  $('article section').each((_, section) => {
    const heading = $(section).children('h2').text();
    $(section)
      .children('p')
      .each((_, paragraph) => {
        const text = $(paragraph).text().replace(/\s+/g, ' ').trim();
        passages.push({ id: `${page}#${passages.length}`, heading, text });
      });
  });
  return passages;
}

/** Every table as records keyed by column heading. */
function extractTables($: CheerioAPI): Record<string, string>[][] {
  return $('article table')
    .toArray()
    .map((table) => {
      const columns = $(table)
        .find('thead th')
        .toArray()
        .map((cell) => $(cell).text().trim());
      return $(table)
        .find('tbody tr')
        .toArray()
        .map((row) => {
          const cells = $(row).children('td').toArray();
          return Object.fromEntries(
            columns.map((column, i) => [column, $(cells[i]).text().trim()]),
          );
        });
    });
}
