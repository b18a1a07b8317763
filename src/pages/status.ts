/** The page of `/debug/status`: what the JSON says, as a table. */
import { escapeHtml, MARK, type Page, page } from './document.ts';
import { navigation } from './navigation.ts';

export function statusDocument(service: string, status: object): Page {
  const title = `Status of ${service}`;
  const rows = rowsOf(status, '').map(
    ([name, value]) =>
      `<tr><th scope="row" class="code">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  const body = `<header class="head">${MARK}
<div class="head-text"><h1>${escapeHtml(title)}</h1><p class="about">at the moment this page was loaded; as JSON with <code>?format=json</code></p></div>
${navigation('status')}<button type="button" class="plain" id="theme"></button>
</header>
<main><section class="panel"><div class="scroll"><table><tbody>${rows.join('\n')}</tbody></table></div></section></main>`;
  return page({ title, body, scripts: ['element.js', 'theme.js', 'plain.js'], connects: false });
}

/** Leaves with their paths: `cpu.samples`. */
function rowsOf(value: unknown, path: string): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[path, said(path, value)]];
  const entries = Object.entries(value);
  if (entries.length === 0) return path === '' ? [] : [[path, 'none']];
  return entries.flatMap(([key, inner]) => rowsOf(inner, path === '' ? key : `${path}.${key}`));
}

function said(path: string, value: unknown): string {
  if (typeof value !== 'number') return String(value ?? 'not known');
  if (/Micros$/.test(path)) return `${(value / 1e6).toLocaleString('en')} s`;
  return value.toLocaleString('en');
}
