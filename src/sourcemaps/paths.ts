import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** `scheme:` of a URL; a single letter is a Windows drive, not a scheme. */
const SCHEME = /^[a-zA-Z][a-zA-Z0-9+.-]+:/;
const WINDOWS_DRIVE = /^[a-zA-Z]:[\\/]/;

/**
 * The path on disk of a script as V8 names it, or undefined when it has none (`node:fs`, `[eval]`,
 * `evalmachine.<anonymous>`, `wasm://…`, `data:…`). Query and fragment of a URL are cut off, and
 * escapes in it decoded. Never throws.
 */
export function scriptPath(file: string): string | undefined {
  if (file.startsWith('file:')) return pathOfFileUrl(file);
  return path.isAbsolute(file) ? file : undefined;
}

/** The path of a `file:` URL; undefined if it names no file of this machine. */
export function pathOfFileUrl(url: string): string | undefined {
  try {
    return fileURLToPath(new URL(url));
  } catch {
    return undefined;
  }
}

/**
 * Where a `sources` entry of a source map lies. Files become absolute paths without `file://`, so
 * that `go tool pprof -list` finds them; other URLs (`webpack://…`, `https://…`) and Windows paths
 * stay as they are. A relative entry is relative to `directory`, the folder of the map.
 */
export function sourcePath(source: string, sourceRoot: string, directory: string): string {
  const rooted = sourceRoot !== '' && !isAbsolute(source) ? join(sourceRoot, source) : source;
  if (rooted.startsWith('file:')) return pathOfFileUrl(rooted) ?? rooted;
  if (isAbsolute(rooted) && !rooted.startsWith('/')) return rooted;
  return path.resolve(directory, decodeReference(rooted.replaceAll('\\', '/')));
}

/** A relative URL reference as a relative path: query and fragment gone, escapes decoded. */
export function decodeReference(reference: string): string {
  const bare = reference.replace(/\?.*$/s, '');
  try {
    return decodeURIComponent(bare);
  } catch {
    return bare; // a file name with a lone percent sign in it
  }
}

export function hasScheme(reference: string): boolean {
  return SCHEME.test(reference);
}

function isAbsolute(reference: string): boolean {
  return reference.startsWith('/') || hasScheme(reference) || WINDOWS_DRIVE.test(reference);
}

function join(root: string, source: string): string {
  return root.endsWith('/') ? `${root}${source}` : `${root}/${source}`;
}
