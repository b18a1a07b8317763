import { Random } from './random.ts';

/** What the pages are about: an overview and a statistics page for each. */
export const SUBJECTS = ['energy', 'water', 'transport', 'housing', 'farming', 'health'] as const;
const TERMS = [
  'supply',
  'demand',
  'cost',
  'growth',
  'policy',
  'storage',
  'network',
  'price',
] as const;
const SYLLABLES = [
  'ba',
  'ko',
  'ri',
  'ten',
  'mu',
  'lar',
  'si',
  'no',
  'ped',
  'va',
  'qui',
  'om',
] as const;
const REGIONS = ['north', 'south', 'east', 'west', 'centre'] as const;

const SECTIONS_PER_PAGE = 14;
const PARAGRAPHS_PER_SECTION = 9;
const ROWS_PER_TABLE = 22;
const CSV_ROWS = 700;

const pageNames: readonly string[] = SUBJECTS.flatMap((subject) => [
  `${subject}-overview.html`,
  `${subject}-statistics.html`,
]);
export const salesName = 'sales.csv';

/** The document of that name; undefined if there is none. Always the same text for the same name. */
export function findDocument(name: string): string | undefined {
  if (name === salesName) return salesCsv();
  return pageNames.includes(name) ? htmlPage(name) : undefined;
}

function htmlPage(name: string): string {
  const random = new Random(name);
  const title = name.replace('.html', '').replace('-', ' ');
  const sections = Array.from({ length: SECTIONS_PER_PAGE }, () => htmlSection(random));
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>
<body><nav><a href="/">home</a></nav><article><h1>${title}</h1>${sections.join('\n')}</article></body></html>\n`;
}

function htmlSection(random: Random): string {
  const paragraphs = Array.from(
    { length: PARAGRAPHS_PER_SECTION },
    () =>
      `<p>${sentence(random, 30)}. <a href="#x">${word(random)}</a> <em>${sentence(random, 20)}</em>.</p>`,
  );
  const rows = Array.from({ length: ROWS_PER_TABLE }, (_, i) => {
    const region = random.pick(REGIONS);
    return `<tr class="row"><td>${1990 + i}</td><td>${region}</td><td>${random.integer(100, 9_999)}</td><td>${random.next().toFixed(3)}</td></tr>`;
  });
  return `<section><h2>${sentence(random, 4)}</h2>${paragraphs.join('')}
<table><thead><tr><th>year</th><th>region</th><th>amount</th><th>share</th></tr></thead><tbody>${rows.join('')}</tbody></table></section>`;
}

/** A Markdown draft with headings, lists, tables, code and links. */
export function markdownDraft(title: string, sections: number): string {
  const random = new Random(title);
  const parts = Array.from({ length: sections }, () => {
    const list = Array.from({ length: 4 }, () => `- **${word(random)}**: ${sentence(random, 8)}`);
    const table = Array.from(
      { length: 4 },
      () => `| ${random.pick(REGIONS)} | ${random.integer(1, 999)} | ${word(random)} |`,
    );
    return `## ${sentence(random, 4)}

${sentence(random, 30)}, see [${word(random)}](https://example.com/${word(random)}). ${sentence(random, 25)}.

${list.join('\n')}

| region | amount | note |
| --- | ---: | --- |
${table.join('\n')}

> ${sentence(random, 12)}

\`\`\`js
const answer = ${random.integer(1, 99)};
\`\`\`
`;
  });
  return `# ${title}\n\n${parts.join('\n')}`;
}

function salesCsv(): string {
  const random = new Random(salesName);
  const rows = Array.from({ length: CSV_ROWS }, (_, i) => {
    const customer = `"${word(random)}, ${word(random)}"`;
    return `${i + 1},${random.pick(REGIONS)},${customer},${random.integer(1, 40)},${(random.next() * 500).toFixed(2)}`;
  });
  return `order,region,customer,quantity,revenue\n${rows.join('\n')}\n`;
}

function sentence(random: Random, words: number): string {
  const text = Array.from({ length: words }, () => word(random)).join(' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Mostly made-up words, so that a search index over the text has something to do. */
function word(random: Random): string {
  if (random.next() < 0.1) return random.pick(TERMS);
  return Array.from({ length: random.integer(2, 3) }, () => random.pick(SYLLABLES)).join('');
}
