import { filterByLabels } from '../profile/filter.ts';
import { labelFilter } from '../profile/label-filter.ts';
import type { Labels, Profile, ProfileType } from '../profile/model.ts';
import { Stretch } from '../profile/stretch.ts';
import { NANOS_PER_MILLI, seconds, secondsToMillis } from '../units.ts';
import type { Exporter } from './exporter.ts';
import type { Outlet, Route } from './route.ts';

/**
 * Samples of one type that are held back until an interval is over; with more it ends early. More than
 * that Pyroscope takes only in parts, so nothing would be saved.
 */
const MAX_HELD_SAMPLES = 16_000;

/** What destinations with one filter and one interval get of every window. */
export class Share {
  readonly #outlets: readonly Outlet[];
  readonly #keeps: ((labels: Labels) => boolean) | undefined;
  readonly #intervalNanos: bigint;
  /** Windows of intervals that are not over. */
  readonly #held = new Map<ProfileType, Stretch>();

  constructor({ filter = [], intervalSeconds = 0 }: Route, outlets: readonly Outlet[]) {
    const intervalMillis = secondsToMillis(seconds(intervalSeconds));
    this.#outlets = outlets;
    this.#keeps = labelFilter(filter);
    this.#intervalNanos = BigInt(Math.round(intervalMillis * NANOS_PER_MILLI));
  }

  /** Those that want profiles of a type. */
  exportersFor(type: ProfileType): Exporter[] {
    return this.#outlets
      .filter(({ route }) => route.types?.includes(type) ?? true)
      .map(({ exporter }) => exporter);
  }

  /** A window has ended, also an empty one: the profile to be sent now, if there is one. */
  take(window: Profile): Profile | undefined {
    const { profileType, durationNanos } = window;
    if (this.exportersFor(profileType).length === 0) return undefined;
    const own = this.#keeps === undefined ? window : filterByLabels(window, this.#keeps);
    if (this.#intervalNanos === 0n) return own;
    const stretch = this.#hold(own);
    // Windows are never exactly as long as they should be: the nearest end counts.
    const isOver = stretch.durationNanos + durationNanos / 2n >= this.#intervalNanos;
    return isOver || stretch.sampleCount >= MAX_HELD_SAMPLES
      ? this.#release(profileType)
      : undefined;
  }

  /** The same, and nothing of this type is held back. */
  takeAtOnce(window: Profile): Profile | undefined {
    return this.take(window) ?? this.#release(window.profileType);
  }

  /** Everything that is held back. */
  rest(): Profile[] {
    return [...this.#held.keys()].flatMap((type) => this.#release(type) ?? []);
  }

  #hold(window: Profile): Stretch {
    let stretch = this.#held.get(window.profileType);
    if (stretch === undefined) {
      stretch = new Stretch(window);
      this.#held.set(window.profileType, stretch);
    } else {
      stretch.add(window);
    }
    return stretch;
  }

  #release(type: ProfileType): Profile | undefined {
    const stretch = this.#held.get(type);
    this.#held.delete(type);
    return stretch?.build();
  }
}

/** Destinations of equal filters and intervals share: what they get is made and encoded once. */
export function sharesOf(outlets: readonly Outlet[]): Share[] {
  const groups = new Map<string, { readonly route: Route; readonly outlets: Outlet[] }>();
  for (const outlet of outlets) {
    const { filter = [], intervalSeconds = 0 } = outlet.route;
    const key = JSON.stringify([filter, intervalSeconds]);
    const group = groups.get(key) ?? { route: outlet.route, outlets: [] };
    group.outlets.push(outlet);
    groups.set(key, group);
  }
  return [...groups.values()].map((group) => new Share(group.route, group.outlets));
}
