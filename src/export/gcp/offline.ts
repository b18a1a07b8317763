/** Google Cloud Profiler without its server's asking: every window is handed in as it is. */
import { MILLIS_PER_SECOND } from '../../units.ts';
import type { Destination, SendOutcome } from '../destination.ts';
import type { EncodedProfile } from '../exporter.ts';
import { type Failure, GcpApi } from './api.ts';
import { describe, isPassing } from './online.ts';
import type { GcpSettings } from './settings.ts';

export class GcpOffline implements Destination {
  readonly name = 'gcp';
  readonly address: string;
  readonly spoolKey: string;
  readonly #api: GcpApi;

  constructor(settings: GcpSettings) {
    const { endpoint, target, projectId, zone, version, profileLabels } = settings;
    this.address = endpoint;
    // Sent profiles carry who sends them, so nobody else may send these.
    this.spoolKey = JSON.stringify([endpoint, target, projectId, zone, version, profileLabels]);
    this.#api = new GcpApi(settings);
  }

  async send(profile: EncodedProfile, signal: AbortSignal): Promise<SendOutcome> {
    const { profileType, startMillis, endMillis, pprof } = profile;
    const duration = `${Math.max(0, endMillis - startMillis) / MILLIS_PER_SECOND}s`;
    const answer = await this.#api.createOffline({ profileType, duration, pprof }, signal);
    return 'failure' in answer ? outcomeOf(answer.failure) : { kind: 'stored' };
  }

  close(): Promise<void> {
    return this.#api.close();
  }
}

/** Rights can be granted and an API can be switched on later: neither is the profile's fault. */
function outcomeOf(failure: Failure): SendOutcome {
  const { reason } = describe(failure);
  const { status, afterMillis } = failure;
  if (!isPassing(failure) && status !== 403 && status !== 404) return { kind: 'rejected', reason };
  return {
    kind: 'retry',
    reason,
    ...(status === undefined ? {} : { isAnswer: true }),
    ...(afterMillis === undefined ? {} : { afterMillis }),
  };
}
