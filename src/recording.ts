/** Profiles of one stretch of time, cut out of the running windows: what `agent.record()` gives. */
import type { Config } from './config/schema.ts';
import type { Profile, ProfileType } from './profile/model.ts';
import { Stretch } from './profile/stretch.ts';
import { built, lazy, type Unbuilt } from './profile/unbuilt.ts';

/** At most one profile of each type; none where a sampler did not run. */
export type Profiles = ReadonlyMap<ProfileType, Profile>;

export interface RecordOptions {
  /** Which samplers shall run even where they are switched off; both by default. */
  readonly cpu?: boolean;
  readonly heap?: boolean;
}

export interface Recording {
  /** What the window cut at the beginning held; of it `heap` says what was alive then. */
  readonly before: Profiles;
  /** Runs these samplers too until it is closed. */
  borrow(options: RecordOptions): void;
  /** The profiles since the beginning or the last cut; the recording goes on. */
  cut(): Profiles;
  /** The same, and the recording is closed. Once only. */
  end(): Profiles;
  /** Closes it without looking. Once only. */
  close(): void;
}

/** One profile of each type, from windows in the order of time. */
export function mergeByType(windows: readonly Profile[]): Map<ProfileType, Profile> {
  return new Map(joined(windows, []).map(({ profileType, build }) => [profileType, build()]));
}

/** A whole window from the parts cut off it and its last part: one profile of each type. */
export function joined(parts: readonly Profile[], last: readonly Unbuilt[]): Unbuilt[] {
  const byType = new Map<ProfileType, { readonly first: Unbuilt; readonly rest: Unbuilt[] }>();
  for (const one of [...parts.map(built), ...last]) {
    const known = byType.get(one.profileType);
    if (known === undefined) byType.set(one.profileType, { first: one, rest: [] });
    else known.rest.push(one);
  }
  return [...byType].map(([profileType, { first, rest }]) => {
    const build = lazy(() => {
      const stretch = new Stretch(first.build());
      for (const one of rest) stretch.add(one.build());
      return stretch.build();
    });
    return { profileType, build };
  });
}

/** For an agent that runs for a recording alone: the samplers asked for, and nothing exported. */
export function onDemandConfig(config: Config, options: RecordOptions): Config {
  const { cpu = true, heap = true } = options;
  return {
    ...config,
    exporters: [],
    cpu: { ...config.cpu, enabled: cpu },
    heap: { ...config.heap, enabled: heap },
  };
}
