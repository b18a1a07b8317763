/** What holds the event loop waits for turns of its own, and never longer than the process lives. */
import { describe, expect, test } from 'vitest';
import { Delivery } from '../../src/export/delivery.ts';
import type { EncodedProfile, Exporter } from '../../src/export/exporter.ts';
import { decode } from '../../src/profile/decode.ts';
import type { Profile, ProfileType } from '../../src/profile/model.ts';
import { lazy, type Unbuilt } from '../../src/profile/unbuilt.ts';
import { profileOf } from '../pyroscope/profiles.ts';

const TYPES: readonly ProfileType[] = ['cpu', 'wall', 'heap', 'allocs'];

/** A delivery whose work is written down: `build cpu 0`, `encode cpu 0`, `export cpu 0`. */
class Watched {
  readonly log: string[] = [];
  readonly failures: unknown[] = [];
  readonly delivery: Delivery;

  constructor(inTurns: boolean) {
    const exporter: Exporter = {
      name: 'watched',
      export: async (profile) => this.#took(profile),
      exportSync: (profile) => this.#took(profile),
      status: () => ({
        name: 'watched',
        destination: '',
        exported: 0,
        dropped: {},
        lastError: undefined,
      }),
    };
    const identity = { serviceName: 'checkout', processId: 1, threadId: undefined };
    const whole = (action: () => void): void => {
      try {
        action();
      } catch (error) {
        this.failures.push(error);
      }
    };
    this.delivery = new Delivery([{ exporter, route: {} }], identity, { inTurns, whole });
  }

  window(number: number, types = TYPES): Unbuilt[] {
    return types.map((profileType) => ({
      profileType,
      build: lazy(() => {
        this.log.push(`build ${profileType} ${number}`);
        return this.#profile(profileType, number);
      }),
    }));
  }

  deliver(number: number): void {
    for (const unbuilt of this.window(number)) this.delivery.deliver(unbuilt);
  }

  /** What was exported, in order. */
  get exported(): string[] {
    return this.log.filter((line) => line.startsWith('export'));
  }

  #profile(profileType: ProfileType, number: number): Profile {
    const samples = Array.from({ length: 500 }, (_, i) => ({
      stack: ['main', `step ${i}`],
      labels: { session_id: `s${i % 50}` },
      value: 1,
    }));
    const profile = { ...profileOf(profileType, samples), comments: [`${number}`] };
    const { log } = this;
    // Encoding looks at the locations, and nothing else on the way does.
    const { locations } = profile;
    return {
      ...profile,
      get locations() {
        const line = `encode ${profileType} ${number}`;
        if (!log.includes(line)) log.push(line);
        return locations;
      },
    };
  }

  #took({ pprof }: EncodedProfile): void {
    const { profileType, comments } = decode(pprof);
    this.log.push(`export ${profileType} ${comments[0]}`);
  }
}

const exportsOf = (numbers: readonly number[]): string[] =>
  numbers.flatMap((number) => TYPES.map((type) => `export ${type} ${number}`));

/** The log of each turn of the event loop until nothing is under way. */
async function turnsOf({ log, delivery }: Watched): Promise<string[][]> {
  const turns: string[][] = [];
  while (delivery.status().underWay > 0) {
    await new Promise(setImmediate);
    turns.push(log.splice(0));
  }
  return turns;
}

describe('in turns', () => {
  test('a turn builds or encodes one profile, in order', async () => {
    const watched = new Watched(true);
    for (const number of [0, 1]) watched.deliver(number);
    expect(watched.log).toEqual([]);
    expect(watched.delivery.status().underWay).toBe(8);
    const turns = await turnsOf(watched);
    const work = turns.map((turn) => turn.filter((line) => !line.startsWith('export')));
    expect(Math.max(...work.map((turn) => turn.length))).toBe(1);
    expect(work.flat()).toEqual(
      [0, 1].flatMap((number) =>
        TYPES.flatMap((type) => [`build ${type} ${number}`, `encode ${type} ${number}`]),
      ),
    );
    expect(turns.flat().filter((line) => line.startsWith('export'))).toHaveLength(8);
    expect(watched.delivery.status()).toEqual({ delivered: 8, underWay: 0, dropped: 0 });
  });

  test.each([0, 1, 2, 3, 5, 9, 15, 16])(
    'the process ends after %i turns: everything arrives once, in order, at once',
    async (count) => {
      const watched = new Watched(true);
      for (const number of [0, 1]) watched.deliver(number);
      for (let i = 0; i < count; i++) await new Promise(setImmediate);
      watched.delivery.finishSync(watched.window(2));
      expect(watched.delivery.status()).toMatchObject({ underWay: 0, dropped: 0 });
      const { exported } = watched;
      expect(exported.toSorted()).toEqual(exportsOf([0, 1, 2]).toSorted());
      for (const type of TYPES) {
        expect(exported.filter((line) => line.includes(` ${type} `))).toEqual(
          [0, 1, 2].map((number) => `export ${type} ${number}`),
        );
      }
      // And what was compressed beside does not arrive again.
      for (let i = 0; i < 20; i++) await new Promise(setImmediate);
      expect(watched.exported).toHaveLength(12);
    },
  );

  test('whoever waits for delivery does not wait for turns', async () => {
    const watched = new Watched(true);
    watched.deliver(0);
    const drained = watched.delivery.drain();
    expect(watched.log).toHaveLength(8);
    await drained;
    expect(watched.exported.toSorted()).toEqual(exportsOf([0]).toSorted());
  });

  test('the next window finds everything built, and nothing encoded for it', () => {
    const watched = new Watched(true);
    watched.deliver(0);
    watched.delivery.build();
    watched.delivery.build();
    expect(watched.log).toEqual(TYPES.map((type) => `build ${type} 0`));
    watched.delivery.finishSync();
    expect(watched.log.filter((line) => line.startsWith('build'))).toHaveLength(4);
  });

  test('what cannot be built is counted and reported, and the others arrive', async () => {
    const watched = new Watched(true);
    const broken: Unbuilt = {
      profileType: 'wall',
      build: () => {
        throw new Error('broken');
      },
    };
    watched.delivery.deliver(broken);
    watched.deliver(0);
    await turnsOf(watched);
    watched.delivery.finishSync([broken, ...watched.window(1, ['cpu'])]);
    expect(watched.failures).toEqual([new Error('broken'), new Error('broken')]);
    expect(watched.delivery.status()).toEqual({ delivered: 5, underWay: 0, dropped: 2 });
  });

  test('more than 240 profiles do not wait', () => {
    const watched = new Watched(true);
    for (let number = 0; number < 70; number++) watched.deliver(number);
    expect(watched.delivery.status()).toEqual({ delivered: 0, underWay: 240, dropped: 40 });
  });
});

test('in a worker, which may be terminated, nothing waits for a turn', async () => {
  const watched = new Watched(false);
  watched.deliver(0);
  expect(watched.log).toEqual(TYPES.flatMap((type) => [`build ${type} 0`, `encode ${type} 0`]));
  await watched.delivery.drain();
  expect(watched.exported).toHaveLength(4);
});
