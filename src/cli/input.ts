/** From a file, a folder or a URL to profiles. */
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { SpanprofError } from '../errors.ts';
import { DECODE_LIMITS, decode } from '../profile/decode.ts';
import { filterByLabels } from '../profile/filter.ts';
import { merge } from '../profile/merge.ts';
import type { Profile, ProfileType } from '../profile/model.ts';
import { type Arguments, didYouMean, type OptionSpecs, shown } from './arguments.ts';
import { UsageError } from './exit.ts';
import { reasonOf, tooLarge, unreadable } from './input-errors.ts';
import { labelFilter } from './label-filter.ts';
import type { Terminal } from './terminal.ts';

export const PROFILE_TYPES: readonly ProfileType[] = ['cpu', 'wall', 'heap', 'allocs'];

/** The options of every command that reads profiles. */
export const INPUT_OPTIONS: OptionSpecs = {
  label: {
    value: 'KEY=VALUE',
    short: 'l',
    multiple: true,
    doc: 'only samples with this label; KEY!=VALUE without, KEY=* any value, KEY= no value',
  },
  'sample-index': {
    value: 'NAME',
    short: 's',
    doc: 'the value to show, by name or number; the last by default',
  },
  type: {
    value: 'TYPE',
    short: 't',
    choices: PROFILE_TYPES,
    doc: 'what to take of a folder or URL',
  },
  seconds: { value: 'N', doc: 'how long a URL is asked to record; 10 by default' },
  token: {
    value: 'TOKEN',
    doc: 'sent to a URL as a bearer token; better in SPANPROF_ENDPOINT_TOKEN, where no process list shows it',
  },
};

/**
 * One profile of all inputs: files, `-` for stdin, folders of profiles, URLs. Several are merged,
 * filters of `--label` are applied. Rejects with an error that names the input at fault.
 */
export async function readInput(
  inputs: readonly string[],
  args: Arguments,
  terminal: Terminal,
): Promise<Profile> {
  if (inputs.length === 0) throw new UsageError('a file or a URL is missing');
  const keeps = labelFilter(args.list('label'));
  const type = args.text('type') as ProfileType | undefined;
  const sources = inputs.flatMap((input) => (isFolder(input) ? profilesIn(input, type) : [input]));
  let batch: Profile[] = [];
  for (const [index, source] of sources.entries()) {
    const count = sources.length === 1 ? '' : ` (${index + 1} of ${sources.length})`;
    const profile = decodeFrom(source, await bytesOf(source, args, terminal, count));
    batch.push(keeps === undefined ? profile : filterByLabels(profile, keeps));
    if (batch.length >= MERGE_AT_ONCE) batch = [merge(batch)];
  }
  terminal.endProgress();
  const [only] = batch;
  return only !== undefined && batch.length === 1 ? only : merge(batch);
}

/** Enough to make copying cheap, few enough to keep memory near that of the result. */
const MERGE_AT_ONCE = 16;

/** The column of `--sample-index`, by name or number. */
export function columnFor(profile: Profile, args: Arguments): number {
  const wanted = args.text('sample-index');
  const names = profile.sampleTypes.map(({ type }) => type);
  if (wanted === undefined) return names.length - 1;
  const column = /^\d+$/.test(wanted) ? Number(wanted) : names.indexOf(wanted);
  if (column >= 0 && column < names.length) return column;
  throw new UsageError(
    `the profile has no value ${shown(wanted)}, only ${names.join(', ')}${didYouMean(wanted, names)}`,
  );
}

/**
 * Of a file's samples, each integer takes up to some 110 bytes while it is read (a frame of its own), each
 * message some 300. A profile that would not fit is refused: running out of memory aborts Node.
 */
const HEAP_BYTES = getHeapStatistics().heap_size_limit;
const LIMITS = {
  // Its texts become strings, of one or two bytes a character.
  bytes: Math.min(DECODE_LIMITS.bytes, Math.floor(HEAP_BYTES / 3)),
  integers: Math.min(DECODE_LIMITS.integers, Math.floor(HEAP_BYTES / 150)),
  messages: Math.min(DECODE_LIMITS.messages, Math.floor(HEAP_BYTES / 400)),
};

/** Reads a profile whose bytes came from `source`, which an error then names. */
export function decodeFrom(source: string, bytes: Uint8Array): Profile {
  try {
    return decode(bytes, LIMITS);
  } catch (error) {
    throw new Error(`${source}: ${messageOf(error)}`, { cause: error });
  }
}

/** The profiles of one type in a folder, by their names where these tell; cpu by default. */
function profilesIn(folder: string, type: ProfileType = 'cpu'): string[] {
  const found = allProfilesIn(folder).filter((name) => {
    const ending = /-(cpu|wall|heap|allocs)\.pb\.gz$/.exec(name);
    return ending === null || ending[1] === type;
  });
  if (found.length === 0) throw unreadable(folder, `it holds no ${type} profiles`);
  return found;
}

/** Every file of a folder that is named like a profile, by name. */
export function allProfilesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.(pb|pprof|prof)(\.gz)?$/.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    throw unreadable(folder, reasonOf(error));
  }
}

/** All bytes of a file, of stdin or from a URL, up to the size a profile may have. */
export async function bytesOf(
  source: string,
  args: Arguments,
  terminal: Terminal,
  count = '',
): Promise<Uint8Array> {
  if (isUrl(source)) {
    const { fetchProfile } = await import('./fetch.ts');
    return fetchProfile(source, args, terminal);
  }
  terminal.progress(`reading ${source}${count}`);
  try {
    return await collected(source === '-' ? process.stdin : createReadStream(source));
  } catch (error) {
    if (error instanceof SpanprofError) throw error;
    throw unreadable(source, reasonOf(error));
  }

  async function collected(stream: AsyncIterable<Buffer>): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of stream) {
      size += chunk.length;
      if (size > DECODE_LIMITS.bytes) throw tooLarge(source);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
}

export const isUrl = (input: string): boolean => /^https?:\/\//i.test(input);

export function isFolder(input: string): boolean {
  return !isUrl(input) && (statSync(input, { throwIfNoEntry: false })?.isDirectory() ?? false);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
