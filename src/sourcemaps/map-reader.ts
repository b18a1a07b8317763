import fs from 'node:fs';
import path from 'node:path';
import { type OriginalMap, readOriginalMap } from './original-map.ts';
import { decodeReference, hasScheme, pathOfFileUrl } from './paths.ts';

/** The comment is the last thing in a file; 8 KiB leave room for licence comments after it. */
const TAIL_BYTES = 8 * 1024;

/**
 * Maps above this are not read: parsing 32 MiB of JSON stops the program for about a third of a
 * second and needs three times its size for that moment.
 */
export const MAX_MAP_FILE_BYTES = 32 * 1024 * 1024;

/** Quotes never occur in such a comment, but do in code that *writes* such comments. */
const COMMENT = /\/[/*][#@]\s*sourceMappingURL=([^\s'"`]+?)(?:\s*\*\/)?$/;

const COMMENT_PREFIX_CHARACTERS = 32;

/** What became of the attempt to load the map of a script. */
export type LoadResult =
  | { readonly kind: 'loaded'; readonly map: OriginalMap }
  /** The script has no such comment, or cannot be read. */
  | { readonly kind: 'absent' }
  /** The comment points to a file that is not there, or to the network, which we never ask. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'oversized' }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Loads the map a script on disk names in its last comment. Never throws. */
export function loadMapOf(script: string, maxFileBytes: number): LoadResult {
  let url: string | typeof OVERSIZED | undefined;
  try {
    url = mappingUrlOf(script, maxFileBytes);
  } catch {
    return { kind: 'absent' };
  }
  if (url === undefined) return { kind: 'absent' };
  if (url === OVERSIZED || url.length > maxFileBytes) return { kind: 'oversized' };
  const scriptDirectory = path.dirname(script);
  try {
    if (url.startsWith('data:')) return loaded(textOfDataUrl(url), scriptDirectory);
    const file = mapFile(url, scriptDirectory);
    const stats = file === undefined ? undefined : fs.statSync(file, { throwIfNoEntry: false });
    // A pipe or a device would block the read.
    if (file === undefined || stats === undefined || !stats.isFile()) return { kind: 'missing' };
    if (stats.size > maxFileBytes) return { kind: 'oversized' };
    return loaded(fs.readFileSync(file, 'utf8'), path.dirname(file));
  } catch (error) {
    return { kind: 'malformed', reason: error instanceof Error ? error.message : String(error) };
  }
}

function loaded(text: string, directory: string): LoadResult {
  // Some servers put this line before JSON so that it cannot run as a script.
  const json = text.startsWith(")]}'") ? text.slice(text.indexOf('\n') + 1) : text;
  return { kind: 'loaded', map: readOriginalMap(JSON.parse(json), directory) };
}

function mapFile(url: string, scriptDirectory: string): string | undefined {
  if (url.startsWith('file:')) return pathOfFileUrl(url);
  if (hasScheme(url)) return undefined;
  return path.resolve(scriptDirectory, decodeReference(url));
}

function textOfDataUrl(url: string): string {
  const comma = url.indexOf(',');
  if (comma === -1) throw new Error('data URL without data');
  const data = url.slice(comma + 1);
  return /;\s*base64$/i.test(url.slice(0, comma))
    ? Buffer.from(data, 'base64').toString('utf8')
    : decodeURIComponent(data);
}

/** The comment holds the map itself, and that is longer than what is read. */
const OVERSIZED = Symbol('oversized');

/** The URL in the last comment of a script. Reads its tail only, unless the map is in the comment. */
function mappingUrlOf(script: string, maxFileBytes: number): string | typeof OVERSIZED | undefined {
  // Without O_NONBLOCK opening a pipe would wait for its writer.
  const descriptor = fs.openSync(script, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0));
  try {
    const stats = fs.fstatSync(descriptor);
    if (!stats.isFile()) return undefined;
    const limit = Math.min(stats.size, maxFileBytes);
    let length = Math.min(limit, TAIL_BYTES);
    for (;;) {
      const tail = readTail(descriptor, stats.size, length);
      // No white space in sight: this may be the end of a long inline map. Code never looks so.
      // The first characters do not count: they may be the blank within `//# sourceMappingURL=`.
      const isWholeComment = /\s/.test(tail.slice(COMMENT_PREFIX_CHARACTERS).trimEnd());
      if (isWholeComment || length === stats.size) return lastComment(tail);
      if (length === limit) return OVERSIZED;
      length = Math.min(limit, length * 8);
    }
  } finally {
    fs.closeSync(descriptor);
  }
}

function readTail(descriptor: number, size: number, length: number): string {
  const buffer = Buffer.allocUnsafe(length);
  const read = fs.readSync(descriptor, buffer, 0, length, size - length);
  return buffer.toString('utf8', 0, read);
}

/** The comment must be the last line but for blank lines and other comments. */
function lastComment(tail: string): string | undefined {
  let end = tail.length;
  while (end > 0) {
    const start = tail.lastIndexOf('\n', end - 1) + 1;
    const line = tail.slice(start, end).trim();
    const url = COMMENT.exec(line)?.[1];
    if (url !== undefined) return url;
    const isComment = line.startsWith('//') || (line.startsWith('/*') && line.endsWith('*/'));
    if (line !== '' && !isComment) return undefined;
    end = start - 1;
  }
  return undefined;
}
