/**
 * Where the package's own files are. Code in `dist/` is bundled, so no module may reckon from where
 * it stands itself: the package's folder is found instead, from `src/` and from `dist/` alike.
 */
import { existsSync } from 'node:fs';

const folder = packageFolder();
const isSource = import.meta.url.endsWith('.ts');

/** A file of the package, by its path in it. */
export function packageFile(path: string): URL {
  return new URL(path, folder);
}

/** A program of the package that is started by its path: `name` without ending, relative to `src/`. */
export function programFile(name: string): URL {
  return packageFile(isSource ? `src/${name}.ts` : `dist/${name}.js`);
}

/** A file that is in `src/` and, copied, in `dist/`. */
export function assetFile(path: string): URL {
  return packageFile(`${isSource ? 'src' : 'dist'}/${path}`);
}

function packageFolder(): URL {
  let at = new URL('./', import.meta.url);
  while (!existsSync(new URL('package.json', at))) {
    const above = new URL('../', at);
    if (above.href === at.href) break;
    at = above;
  }
  return at;
}
