import type { ProfileType } from '../profile/model.ts';
import type { Milliseconds } from '../units.ts';
import type { EncodedProfile, Exporter, ExporterStatus } from './exporter.ts';

/** An exporter that gets profiles of some types only. */
export class TypeFilter implements Exporter {
  readonly name: string;
  readonly #exporter: Exporter;
  readonly #types: ReadonlySet<ProfileType>;

  constructor(exporter: Exporter, types: readonly ProfileType[]) {
    this.name = exporter.name;
    this.#exporter = exporter;
    this.#types = new Set(types);
  }

  async export(profile: EncodedProfile): Promise<void> {
    if (this.#types.has(profile.profileType)) await this.#exporter.export(profile);
  }

  exportSync(profile: EncodedProfile): void {
    if (this.#types.has(profile.profileType)) this.#exporter.exportSync(profile);
  }

  status(): ExporterStatus {
    return this.#exporter.status();
  }

  async flush(): Promise<void> {
    await this.#exporter.flush?.();
  }

  flushSync(timeoutMillis: Milliseconds): void {
    this.#exporter.flushSync?.(timeoutMillis);
  }

  async close(): Promise<void> {
    await this.#exporter.close?.();
  }
}
