/** Leaks and what only looks like one, as series of sampled live bytes with the scatter of sampling. */
import { describe, expect, test } from 'vitest';
import { type Leak, LeakDetector, type LeakWindow } from '../../src/memory/leaks.ts';
import { ProfileBuilder } from '../../src/profile/builder.ts';
import { PERIOD_TYPES, SAMPLE_TYPES } from '../../src/profile/model.ts';
import { milliseconds } from '../../src/units.ts';

const MIB = 1024 * 1024;
const INTERVAL_BYTES = 512 * 1024;
const START_MILLIS = Date.UTC(2026, 0, 1);
const MILLIS_PER_MINUTE = 60_000;
const newDetector = () => new LeakDetector(INTERVAL_BYTES, milliseconds(MILLIS_PER_MINUTE));

/** Mulberry32: the same scatter in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Live bytes as a sampler sees them that picks one in 512 KiB: small objects, Poisson. */
function sampled(bytes: number, random: () => number): number {
  let picked = 0;
  for (let left = bytes / INTERVAL_BYTES; left > 0; picked++) left += Math.log(1 - random());
  return Math.max(0, picked - 1) * INTERVAL_BYTES;
}

/** Live bytes of a site, those that were there in the window before, and those proven since. */
interface Seen {
  readonly bytes: number;
  readonly survivedBytes: number;
  readonly settledBytes: number;
}

function add(detector: LeakDetector, sites: Readonly<Record<string, Seen>>, at: LeakWindow): void {
  const builder = new ProfileBuilder({
    profileType: 'heap',
    sampleTypes: SAMPLE_TYPES.heap,
    periodType: PERIOD_TYPES.heap,
    period: INTERVAL_BYTES,
    timeNanos: 0n,
    durationNanos: 0n,
    comments: [],
  });
  const ages = { survivedBytes: [] as number[], settledBytes: [] as number[] };
  for (const [name, { bytes, survivedBytes, settledBytes }] of Object.entries(sites)) {
    const app = builder.stack(-1, builder.frame(name, '/app/tools.js', 12));
    const leaf = builder.stack(app, builder.frame('push', 'node:internal/thing', 1));
    const labels = { agent_name: 'writer', session_id: `s-${bytes}` };
    const row = builder.add(leaf, builder.labelSet(labels), bytes / 100, bytes);
    ages.survivedBytes[row] = survivedBytes;
    ages.settledBytes[row] = settledBytes;
  }
  detector.add(builder.build(), ages, at);
}

/** Bytes that come in a window and stay; those of a plain number are others in each window. */
interface Stays {
  readonly stays: number;
}

interface Course {
  readonly windows: number;
  readonly live: (window: number) => Record<string, number | Stays>;
  /** Windows from one full collection to the next. */
  readonly collectEvery?: number;
  readonly seed?: number;
}

/** Each takes `minutes`; at the end of `settled` was a full collection. */
function windowAt(window: number, settled = window, minutes = 1): LeakWindow {
  const endOf = (one: number) =>
    // The timer is late, now by more, now by less.
    milliseconds(START_MILLIS + (one + 1) * minutes * MILLIS_PER_MINUTE + ((one * 37) % 11));
  return {
    beginMillis: endOf(window - 1),
    endMillis: endOf(window),
    settledMillis: settled < 0 ? undefined : endOf(settled),
  };
}

/** What is reported after each window. */
function reports({ windows, live, collectEvery = 1, seed = 1 }: Course): (readonly Leak[])[] {
  const random = randomNumbers(seed);
  const detector = newDetector();
  const hoards: Record<string, number> = {};
  const settledHoards: Record<string, number> = {};
  return Array.from({ length: windows }, (_, window) => {
    const seen: Record<string, Seen> = {};
    const settled = window - (window % collectEvery);
    for (const [name, bytes] of Object.entries(live(window))) {
      if (typeof bytes === 'number') {
        const now = sampled(bytes, random);
        seen[name] = { bytes: now, survivedBytes: 0, settledBytes: settled === window ? now : 0 };
      } else {
        const survivedBytes = hoards[name] ?? 0;
        const now = survivedBytes + sampled(bytes.stays, random);
        hoards[name] = now;
        if (settled === window) settledHoards[name] = now;
        seen[name] = { bytes: now, survivedBytes, settledBytes: settledHoards[name] ?? 0 };
      }
    }
    add(detector, seen, windowAt(window, settled));
    return detector.leaks;
  });
}

describe('a leak', () => {
  const live = () => ({ hoard: { stays: 20 * MIB }, cache: 50 * MIB });

  test('is named within four windows, with site, owner and growth', () => {
    const leaks = reports({ windows: 4, live }).at(-1) ?? [];
    expect(leaks).toHaveLength(1);
    const [leak] = leaks;
    expect(leak?.site).toEqual({ function: 'hoard', file: '/app/tools.js', line: 12 });
    expect(leak?.owner).toEqual({ agent_name: 'writer' });
    expect(leak?.firstSeenMillis).toBe(windowAt(0).endMillis);
    expect((leak?.growthBytesPerHour ?? 0) / (20 * 60 * MIB)).toBeGreaterThan(0.7);
    expect((leak?.growthBytesPerHour ?? 0) / (20 * 60 * MIB)).toBeLessThan(1.3);
    expect(leak?.confidence).toBeGreaterThan(0.5);
  });

  test('becomes surer with time, and stays named for hours', () => {
    const all = reports({ windows: 240, live });
    const confidences = all.slice(8).map(([leak]) => leak?.confidence ?? 0);
    expect(Math.min(...confidences)).toBeGreaterThan(0.6);
    expect(confidences.at(-1)).toBeGreaterThan(0.9);
    expect(all.slice(8).every((leaks) => leaks.length === 1)).toBe(true);
  });

  test('that is slow is named later', () => {
    const slow = reports({
      windows: 240,
      live: () => ({ hoard: { stays: 0.5 * MIB }, cache: 50 * MIB }),
    });
    const first = slow.findIndex((leaks) => leaks.length > 0);
    expect(first).toBeGreaterThan(20);
    expect(slow.at(-1)?.[0]?.site.function).toBe('hoard');
  });

  test('is not named as long as V8 has not collected it: it may be garbage', () => {
    expect(reports({ windows: 30, live, collectEvery: 1_000 }).flat()).toEqual([]);
  });

  test('waits for a collection where only that is missing', () => {
    const detector = newDetector();
    const waiting = Array.from({ length: 6 }, (_, window) => {
      const was = window * 20 * MIB;
      const now = was + 20 * MIB;
      // The only collection so far was in the first window; then there is one right after the fifth.
      const settled = window < 5 ? 0 : 4;
      const settledBytes = window < 5 ? 20 * MIB : was;
      add(
        detector,
        { hoard: { bytes: now, survivedBytes: was, settledBytes } },
        windowAt(window, settled),
      );
      return [detector.isWaiting, detector.leaks.length];
    });
    expect(waiting.slice(2)).toEqual([
      [false, 0],
      [true, 0],
      [true, 0],
      [false, 1],
    ]);
  });

  test('is not named in less than four windows, however many parts recordings cut them into', () => {
    const detector = newDetector();
    for (let part = 0; part < 40; part++) {
      const was = part * 2 * MIB;
      const now = was + 2 * MIB;
      const seen = { hoard: { bytes: now, survivedBytes: was, settledBytes: now } };
      add(detector, seen, windowAt(part, part, 0.1));
      expect(detector.leaks).toHaveLength(part < 38 ? 0 : 1);
    }
  });

  test('is forgotten when sampling begins anew', () => {
    const detector = newDetector();
    for (let window = 0; window < 6; window++) {
      const was = window * 20 * MIB;
      const now = was + 20 * MIB;
      const seen = { hoard: { bytes: now, survivedBytes: was, settledBytes: now } };
      add(detector, seen, windowAt(window));
    }
    expect(detector.leaks).toHaveLength(1);
    detector.reset();
    expect(detector.leaks).toEqual([]);
  });
});

describe('what is healthy raises nothing', () => {
  const seeds = Array.from({ length: 20 }, (_, i) => i + 1);
  const courses: Record<string, Omit<Course, 'windows'>> = {
    'a cache that fills and levels off': {
      live: (window) => ({ put: Math.min(20 + window * 40, 100) * MIB }),
    },
    'a cache that fills ever more slowly': {
      live: (window) => ({ put: 100 * (1 - Math.exp(-window / 1.5)) * MIB }),
    },
    'a cache that fills for three minutes and keeps what it has': {
      live: (window) => ({ put: { stays: (window < 3 ? 33 : 0) * MIB } }),
    },
    'one that fills ever more slowly and keeps what it has': {
      live: (window) => ({ put: { stays: 100 * Math.exp(-window / 1.5) * MIB } }),
    },
    'a connection pool that grows in steps': {
      live: (window) => ({ connect: (window < 2 ? 4 : window < 9 ? 12 : 16) * MIB }),
    },
    'a warm-up': { live: (window) => ({ load: (window === 0 ? 30 : 45) * MIB }) },
    'garbage that waits for a full collection': {
      live: (window) => ({ parse: (20 + (window % 8) * 25) * MIB }),
      collectEvery: 8,
    },
    'steady work': { live: () => ({ work: 40 * MIB, other: 8 * MIB, third: 200 * MIB }) },
    'load that comes and goes from window to window': {
      live: (window) => ({ requests: (60 + 40 * Math.sin(2 * window)) * MIB }),
    },
  };
  test.each(Object.entries(courses))('%s', (_, course) => {
    for (const seed of seeds) {
      expect(reports({ windows: 60, ...course, seed }).flat()).toEqual([]);
    }
  });
});

test('a load that comes and goes slowly may be named as it first rises, never again', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const all = reports({
      windows: 120,
      seed,
      live: (window) => ({ requests: (60 - 40 * Math.cos(window / 2)) * MIB }),
    });
    // The first rise takes six windows, and scatter may lift the second peak a little above.
    expect(all.slice(26).flat()).toEqual([]);
  }
});
