/** One self-contained HTML document: its own style and scripts, nothing from anywhere else. */
import { readFileSync } from 'node:fs';
import { crypto } from '../builtins.ts';
import { assetFile } from '../package-files.ts';

export interface Page {
  readonly html: string;
  /** The same policy as in the document, for a `Content-Security-Policy` header. */
  readonly policy: string;
}

export type Theme = 'auto' | 'light' | 'dark';

export interface PageParts {
  readonly title: string;
  readonly theme?: Theme | undefined;
  /** Markup between `<body>` and its end; whatever comes from outside is escaped already. */
  readonly body: string;
  /** Files of `assets/`, in the order of their imports. */
  readonly scripts: readonly string[];
  /** For `<script type="application/json" id="data">`. */
  readonly data?: unknown;
  /** Whether the page asks its own server for more. */
  readonly connects: boolean;
}

export function page(parts: PageParts): Page {
  const style = asset('page.css');
  const script = bundle(parts.scripts);
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    `connect-src ${parts.connects ? "'self'" : "'none'"}`,
    `img-src data:`,
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; ');
  const theme =
    parts.theme === 'light' || parts.theme === 'dark' ? ` data-theme="${parts.theme}"` : '';
  const data =
    parts.data === undefined
      ? ''
      : `<script type="application/json" id="data">${jsonText(parts.data)}</script>\n`;
  const html = `<!doctype html>
<html lang="en"${theme}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(parts.title)}</title>
<link rel="icon" href="${ICON}">
<style>${style}</style>
</head>
<body>
${parts.body}
${data}<script>${script}</script>
</body>
</html>
`;
  return { html, policy: `${policy}; frame-ancestors 'none'` };
}

/** Text of any origin, for between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON that cannot end the element it stands in. */
function jsonText(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

const ICON_SVG = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='8' fill='#4540d4'/><path d='M6 9h20v4H6zm0 5.5h12v4H6zm13.500 0H26v4h-6.500zM6 20h7v4H6z' fill='#fff'/></svg>`;
const ICON = `data:image/svg+xml,${encodeURIComponent(ICON_SVG)}`;

/** The mark beside the title. */
export const MARK = ICON_SVG.replace('<svg', '<svg class="mark" aria-hidden="true"').replaceAll(
  "'",
  '"',
);

const cache = new Map<string, string>();

function asset(name: string): string {
  let text = cache.get(name);
  if (text === undefined) {
    text = readFileSync(assetFile(`pages/assets/${name}`), 'utf8');
    cache.set(name, text);
  }
  return text;
}

/**
 * The modules as one script: written in order, without their `import` and `export`. Their top-level
 * names are different, which the browser would refuse otherwise.
 */
function bundle(names: readonly string[]): string {
  const key = names.join();
  let script = cache.get(key);
  if (script === undefined) {
    const modules = names.map((name) =>
      asset(name)
        .replace(/^import [^;]*;\n/gm, '')
        .replace(/^export /gm, '')
        .replace(/^\s*\/\*\*(?:(?!\*\/).)*\*\/\n/gms, ''),
    );
    script = `'use strict';{\n${modules.join('')}}`;
    cache.set(key, script);
  }
  return script;
}

function hashOf(text: string): string {
  return `sha256-${crypto().createHash('sha256').update(text).digest('base64')}`;
}
