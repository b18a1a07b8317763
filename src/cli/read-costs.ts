import { filterByLabels } from '../profile/filter.ts';
import type { Arguments } from './arguments.ts';
import { CostCollector, type Costs } from './costs.ts';
import { allProfilesIn, bytesOf, decodeFrom, isFolder } from './input.ts';
import { unreadable as unreadableInput } from './input-errors.ts';
import { labelFilter } from './label-filter.ts';
import { printable, type Terminal } from './terminal.ts';

export interface ReadCosts {
  readonly costs: Costs;
  /** Files found, read or not. */
  readonly files: number;
  readonly bytes: number;
  /** One message for each file that is no profile. */
  readonly unreadable: readonly string[];
}

/**
 * Reads all profiles of files and folders, whatever their type, one after another. A file that is no
 * profile is named and left out. Rejects if none is.
 */
export async function readCosts(
  inputs: readonly string[],
  args: Arguments,
  terminal: Terminal,
): Promise<ReadCosts> {
  const keeps = labelFilter(args.list('label'));
  const files = inputs.flatMap((input) => (isFolder(input) ? allProfilesIn(input) : [input]));
  const collector = new CostCollector();
  const unreadable: string[] = [];
  let bytes = 0;
  for (const [index, file] of files.entries()) {
    terminal.progress(`reading profile ${index + 1} of ${files.length}`);
    try {
      const content = await bytesOf(file, args, terminal, ` (${index + 1} of ${files.length})`);
      bytes += content.length;
      const profile = decodeFrom(file, content);
      collector.add(keeps === undefined ? profile : filterByLabels(profile, keeps));
    } catch (error) {
      unreadable.push(printable(error instanceof Error ? error.message : String(error)));
    }
  }
  terminal.endProgress();
  if (files.length === unreadable.length) {
    throw unreadableInput(inputs.join(', '), unreadable[0] ?? 'there are no profiles');
  }
  return { costs: collector.end(), files: files.length, bytes, unreadable };
}
