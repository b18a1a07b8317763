import { gzipSync } from 'node:zlib';
import type { EncodedProfile } from '../../src/export/exporter.ts';
import { encode } from '../../src/profile/encode.ts';
import type { ProfileType } from '../../src/profile/model.ts';
import { milliseconds } from '../../src/units.ts';
import { profileFromText } from '../helpers/profile-from-text.ts';
import type { Received } from '../helpers/receiver.ts';

/** Windows of the last minutes: servers and spools refuse what is older than an hour. */
const START = Date.now() - 600_000;

/** The profile of window `number`, a second each, with the number in it. */
export function windowOf(number: number, profileType: ProfileType = 'cpu'): EncodedProfile {
  const startMillis = START + number * 1_000;
  const profile = profileFromText(
    `
    stack            main
                     window${number}
    samples/count    1
    ${profileType}/nanoseconds  ${1_000 + number}
    labels           agent_name=planner
    `,
    { profileType, timeNanos: BigInt(startMillis) * 1_000_000n, durationNanos: 1_000_000_000n },
  );
  return {
    profileType,
    startMillis: milliseconds(startMillis),
    endMillis: milliseconds(startMillis + 1_000),
    serviceName: 'checkout',
    processId: process.pid,
    threadId: undefined,
    pprof: gzipSync(encode(profile)),
  };
}

/** The numbers of the windows that were stored, in the order in which they were. */
export const numbersOf = (stored: readonly Received[]): number[] =>
  stored.map(({ profile }) => (Number(profile.timeNanos / 1_000_000n) - START) / 1_000);

/** `from` to `to`, both included. */
export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
