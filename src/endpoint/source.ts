/** What the endpoint needs from the rest; the agent hands it over. */
import type { Profile, ProfileType } from '../profile/model.ts';
import type { UsageSnapshot } from './usage.ts';

/** At most one profile of each type; none where a sampler did not run. */
export type Profiles = ReadonlyMap<ProfileType, Profile>;

/** Which samplers a request needs, also where the configuration leaves them off. */
export interface Needs {
  readonly cpu: boolean;
  readonly heap: boolean;
}

/** A stretch of time being recorded; the agent's `Recording`. */
export interface RecordingSource {
  readonly before: Profiles;
  borrow(needs: Needs): void;
  cut(): Profiles;
  close(): void;
}

export interface EndpointSource {
  record(needs: Needs): RecordingSource;
  /** Samples a second of the running sampler. */
  frequencyHertz(): number;
  /** Plain data, shown at `/debug/status`. */
  status(): object;
  serviceName(): string;
  /** Undefined where no bills are kept. */
  usage(): UsageSnapshot | undefined;
}
