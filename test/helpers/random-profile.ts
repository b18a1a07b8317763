import { ProfileBuilder } from '../../src/profile/builder.ts';
import {
  type Labels,
  type LabelValue,
  PERIOD_TYPES,
  type Profile,
  type ProfileType,
  SAMPLE_TYPES,
} from '../../src/profile/model.ts';

/** Numbers from 0 up to 1 that are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const TEXTS = [
  'plan',
  'größe',
  '計画',
  '🧭',
  'a b\tc',
  'constructor',
  '__proto__',
  'x'.repeat(130),
];
const VALUES = [0, 1, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 1, 2 ** 45 + 3];
const LINES = [0, 1, 7, 127, 128, 16_384, 2 ** 31 - 1];
const TYPES: readonly ProfileType[] = ['cpu', 'wall', 'heap', 'allocs'];

/** A profile with everything the model allows, at every size a varint can have. */
export function randomProfile(seed: number, maxSamples = 40): Profile {
  const random = randomFrom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[], otherwise: T): T => items[below(items.length)] ?? otherwise;
  const labelValue = (): LabelValue =>
    random() < 0.5 ? pick(TEXTS, 'x') : pick([-1, -(2 ** 40), ...VALUES], 0);
  const labels = (): Labels =>
    Object.fromEntries(
      Array.from({ length: below(4) }, () => [pick(TEXTS, 'k'), labelValue()] as const),
    );
  const profileType = pick(TYPES, 'cpu');
  const builder = new ProfileBuilder({
    profileType,
    sampleTypes: SAMPLE_TYPES[profileType],
    periodType: PERIOD_TYPES[profileType],
    period: pick(VALUES, 0),
    timeNanos: BigInt(below(2 ** 31)) * BigInt(below(2 ** 31)),
    durationNanos: BigInt(pick(VALUES, 0)),
    comments: ['pid=1', `seed=${seed}`],
  });
  for (let sample = below(maxSamples); sample > 0; sample--) {
    let stack = -1;
    for (let depth = 1 + below(12); depth > 0; depth--) {
      const name = pick(['', 'f', 'g', ...TEXTS], 'f');
      const file = pick(['', 'a.ts', '/srv/ü.js'], '');
      const location = builder.frame(name, file, pick(LINES, 0), below(3), pick(LINES, 0));
      stack = builder.stack(stack, location);
    }
    builder.add(stack, builder.labelSet(labels()), pick(VALUES, 0), pick(VALUES, 0));
  }
  return builder.build();
}

/** The sum of each value column. */
export function totalsOf(profile: Profile): number[] {
  return profile.samples.values.map((column) => column.reduce((sum, value) => sum + value, 0));
}
