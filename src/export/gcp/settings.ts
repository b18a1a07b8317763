/** The configuration, checked against the server's rules before anything is sent. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Config } from '../../config/schema.ts';
import { messageOf, SpanprofError } from '../../errors.ts';
import type { ProfileType } from '../../profile/model.ts';
import { fitLabels, isProjectId, isTarget, suggestTarget } from './rules.ts';

export interface GcpSettings {
  readonly endpoint: string;
  /** The name of the service, as the server knows it. */
  readonly target: string;
  /** Undefined: asked of the metadata server. */
  readonly projectId: string | undefined;
  readonly zone: string | undefined;
  readonly version: string | undefined;
  /** What is switched on and may go there. */
  readonly profileTypes: readonly ProfileType[];
  /** Which samples may, by their labels: see `labelFilter`. */
  readonly filter: readonly string[];
  /** Of every profile, in the server's form. */
  readonly profileLabels: Readonly<Record<string, string>>;
  readonly caFile: string | undefined;
}

/** Where a version of the service stands in resource attributes. */
const VERSION_LABEL = 'service.version';

/**
 * Throws a `SpanprofError`: `GCP_SETTING_INVALID` for what the server would refuse or what would hurt,
 * `GCP_AUTH_LIBRARY_MISSING` where `google-auth-library` is not installed.
 * Labels that the server has no room for are reported, and left out.
 */
export function gcpSettings(
  config: Pick<Config, 'serviceName' | 'labels' | 'gcp' | 'cpu' | 'heap'>,
  report: (message: string) => void,
): GcpSettings {
  const { serviceName, labels, gcp } = config;
  const { projectId, zone, endpoint, caFile } = gcp;
  if (!isTarget(serviceName)) {
    const suggestion = suggestTarget(serviceName);
    const hint = suggestion === '' ? '' : `; "${suggestion}" would do`;
    throw invalid(
      `serviceName "${serviceName}" is not one that Google Cloud takes (a-z, 0-9, "-", "_", ".")${hint}`,
    );
  }
  if (projectId !== undefined && !isProjectId(projectId)) {
    throw invalid(`gcp.projectId "${projectId}" is not the id of a project`);
  }
  if (!isConfidential(endpoint)) {
    throw invalid('gcp.endpoint must be https: access tokens are sent to it');
  }
  if (caFile !== undefined) checkReadable(caFile);
  if (!hasAuthLibrary()) throw new SpanprofError('GCP_AUTH_LIBRARY_MISSING');
  const { [VERSION_LABEL]: labelledVersion, ...others } = labels;
  const version = gcp.serviceVersion ?? labelledVersion?.toString();
  const { leftOut } = fitLabels({ zone: zone ?? '', version: version ?? '' });
  if (leftOut.length > 0) throw invalid('gcp.zone and gcp.serviceVersion are too long');
  const fitted = fitLabels(others);
  if (fitted.leftOut.length > 0) {
    report(messageOf('GCP_LABELS_LEFT_OUT', { labels: fitted.leftOut.join(', ') }));
  }
  return {
    endpoint,
    target: serviceName,
    projectId,
    zone,
    version,
    profileTypes: typesOf(config),
    filter: gcp.filter,
    profileLabels: fitted.labels,
    caFile,
  };
}

function typesOf({ cpu, heap, gcp }: Pick<Config, 'cpu' | 'heap' | 'gcp'>): ProfileType[] {
  const types: ProfileType[] = [];
  if (cpu.enabled) types.push('cpu');
  if (cpu.enabled && cpu.wall) types.push('wall');
  if (heap.enabled) types.push('heap');
  if (heap.enabled && heap.allocs) types.push('allocs');
  return types.filter((type) => gcp.types.includes(type));
}

/** Over TLS, or not leaving the machine. */
function isConfidential(endpoint: string): boolean {
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function checkReadable(caFile: string): void {
  try {
    readFileSync(caFile);
  } catch (error) {
    throw invalid(`gcp.caFile: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Looks, without loading it. */
function hasAuthLibrary(): boolean {
  try {
    createRequire(import.meta.url).resolve('google-auth-library');
    return true;
  } catch {
    return false;
  }
}

const invalid = (reason: string): SpanprofError =>
  new SpanprofError('GCP_SETTING_INVALID', { reason });
