/** Our profile types under the server's names. */
import type { ProfileType } from '../../profile/model.ts';

/** `ProfileType` of google/devtools/cloudprofiler/v2, as far as we have such profiles. */
export const SERVER_TYPES: Readonly<Record<ProfileType, string>> = {
  cpu: 'CPU',
  wall: 'WALL',
  heap: 'HEAP',
  allocs: 'HEAP_ALLOC',
};

/** What is running, in the server's words. The same for every profile of a process. */
export interface Deployment {
  readonly projectId: string;
  readonly target: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Who we are: what every profile is sent with. */
export interface Identity {
  readonly deployment: Deployment;
  /** Of single profiles; what distinguishes replicas belongs here, never into the deployment. */
  readonly profileLabels: Readonly<Record<string, string>>;
}
