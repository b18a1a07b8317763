/** Links from page to page of the endpoint; relative, so that they hold below any prefix. */
export type PageName = 'index' | 'flamegraph' | 'usage' | 'status';

const PAGES: readonly (readonly [PageName, string, string])[] = [
  ['index', 'pprof/', 'Profiles'],
  ['flamegraph', 'pprof/flamegraph', 'Flame graphs'],
  ['usage', 'usage', 'Usage'],
  ['status', 'status', 'Status'],
];

export function navigation(current: PageName): string {
  const base = current === 'index' || current === 'flamegraph' ? '../' : './';
  const links = PAGES.map(([name, path, title]) => {
    const mark = name === current ? ' aria-current="page"' : '';
    return `<a href="${base}${path}"${mark}>${title}</a>`;
  });
  return `<nav aria-label="Pages">${links.join('')}</nav>\n`;
}
