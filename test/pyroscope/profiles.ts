import { gzipSync } from 'node:zlib';
import type { EncodedProfile } from '../../src/export/exporter.ts';
import { ProfileBuilder } from '../../src/profile/builder.ts';
import { encode } from '../../src/profile/encode.ts';
import {
  type Labels,
  PERIOD_TYPES,
  type Profile,
  type ProfileType,
  SAMPLE_TYPES,
} from '../../src/profile/model.ts';
import { milliseconds } from '../../src/units.ts';

export interface Sample {
  /** Entry first. */
  readonly stack: readonly string[];
  readonly labels: Labels;
  readonly value: number;
}

/** A profile of the last second. */
export function profileOf(
  profileType: ProfileType,
  samples: Iterable<Sample>,
  startMillis = Date.now() - 1_000,
): Profile {
  const builder = new ProfileBuilder({
    profileType,
    sampleTypes: SAMPLE_TYPES[profileType],
    periodType: PERIOD_TYPES[profileType],
    period: 10_000_000,
    timeNanos: BigInt(startMillis) * 1_000_000n,
    durationNanos: 1_000_000_000n,
    comments: ['made for a test'],
  });
  for (const { stack, labels, value } of samples) {
    let at = -1;
    for (const name of stack) at = builder.stack(at, builder.frame(name, `${name}.js`, 1));
    builder.add(at, builder.labelSet(labels), 1, value);
  }
  return builder.build();
}

/** The same as it travels to an exporter. */
export function encoded(serviceName: string, profile: Profile): EncodedProfile {
  const startMillis = Number(profile.timeNanos / 1_000_000n);
  return {
    profileType: profile.profileType,
    startMillis: milliseconds(startMillis),
    endMillis: milliseconds(startMillis + 1_000),
    serviceName,
    processId: process.pid,
    threadId: undefined,
    pprof: gzipSync(encode(profile)),
  };
}
