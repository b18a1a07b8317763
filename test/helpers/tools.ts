import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The path of a command on the PATH, or undefined, with a warning that names what is not tested
 * then: `describe.skipIf(requireTool('go') === undefined)`. Under `TEST_REQUIRE_TOOLS=1`, as in
 * CI, a missing command is an error.
 */
export function requireTool(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, name);
    if (folder !== '' && isExecutable(file)) return file;
  }
  const message = `${name} is not on the PATH: the tests that need it`;
  if (process.env['TEST_REQUIRE_TOOLS'] === '1') throw new Error(`${message} cannot run`);
  console.warn(`${message} are skipped`);
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
