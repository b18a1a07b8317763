/** The name of the program, from the package it belongs to. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The `name` in the nearest package.json at or above `directory` that has one. */
export function packageName(directory: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    const name = nameIn(join(at, 'package.json'));
    if (name !== undefined) return name;
    if (dirname(at) === at) return undefined;
  }
}

function nameIn(file: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined; // Not there, not readable or not JSON: the app's business, not ours.
  }
}
