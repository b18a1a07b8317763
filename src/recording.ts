/** Profiles of one stretch of time, cut out of the running windows: what `agent.record()` gives. */
import type { Config } from './config/schema.ts';
import { merge } from './profile/merge.ts';
import type { Profile, ProfileType } from './profile/model.ts';

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

/** One profile of each type. A live heap is a state, not a sum: of it the last window counts. */
export function mergeByType(windows: readonly Profile[]): Map<ProfileType, Profile> {
  const byType = new Map<ProfileType, Profile>();
  for (const type of new Set(windows.map(({ profileType }) => profileType))) {
    const ofType = windows.filter(({ profileType }) => profileType === type);
    const [first] = ofType;
    const last = ofType.at(-1);
    if (first === undefined || last === undefined) continue;
    if (first === last) byType.set(type, first);
    else if (type === 'heap') byType.set(type, { ...last, ...stretchOf(ofType, first) });
    else byType.set(type, merge(ofType));
  }
  return byType;
}

/** From the beginning of the first to the end of the last. */
function stretchOf(windows: readonly Profile[], { timeNanos }: Profile) {
  return { timeNanos, durationNanos: windows.reduce((sum, one) => sum + one.durationNanos, 0n) };
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
