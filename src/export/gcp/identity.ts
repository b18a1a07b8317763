/** Project, zone and instance: from the configuration, else from the metadata server. */
import type { Http } from './http.ts';
import { readMetadata } from './metadata.ts';
import { fitLabels, isProjectId } from './rules.ts';
import type { GcpSettings } from './settings.ts';
import type { Identity } from './types.ts';

/** Found out once. Rejects, with the reason as message, as long as the project is not known. */
export class IdentitySource {
  readonly #settings: GcpSettings;
  readonly #http: Http;
  #found: Identity | undefined;

  constructor(settings: GcpSettings, http: Http) {
    this.#settings = settings;
    this.#http = http;
  }

  async get(signal: AbortSignal): Promise<Identity> {
    this.#found ??= await this.#find(signal);
    return this.#found;
  }

  async #find(signal: AbortSignal): Promise<Identity> {
    const { target, version, profileLabels } = this.#settings;
    const projectId =
      this.#settings.projectId ?? (await readMetadata(this.#http, 'project/project-id', signal));
    if (projectId === undefined || !isProjectId(projectId)) {
      throw new Error('gcp.projectId is not set, and no metadata server names a project');
    }
    // Whoever names both wants no questions asked; elsewhere they are worth a second at start.
    const isSaidAll = this.#settings.projectId !== undefined && this.#settings.zone !== undefined;
    const ask = (key: 'instance/zone' | 'instance/name') =>
      isSaidAll ? undefined : readMetadata(this.#http, key, signal);
    const [asked, instance] = await Promise.all([ask('instance/zone'), ask('instance/name')]);
    const zone = this.#settings.zone ?? asked;
    return {
      deployment: {
        projectId,
        target,
        labels: {
          language: 'nodejs',
          ...(zone === undefined ? {} : { zone }),
          ...(version === undefined ? {} : { version }),
        },
      },
      profileLabels: fitLabels(
        instance === undefined ? profileLabels : { instance, ...profileLabels },
      ).labels,
    };
  }
}
