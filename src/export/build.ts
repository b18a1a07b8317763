import type { Config, ExporterName } from '../config/schema.ts';
import { messageOf, SpanprofError } from '../errors.ts';
import { PERIOD_TYPES, type ProfileType } from '../profile/model.ts';
import { milliseconds, secondsToMillis } from '../units.ts';
import type { Destination } from './destination.ts';
import type { Exporter } from './exporter.ts';
import { FileExporter } from './file.ts';
import { GcpOffline } from './gcp/offline.ts';
import { GcpOnline, type GcpOnlineOptions } from './gcp/online.ts';
import { gcpSettings } from './gcp/settings.ts';
import { PyroscopeDestination } from './pyroscope/pyroscope.ts';
import { QueueExporter } from './queue.ts';
import { TypeFilter } from './type-filter.ts';

type Report = (message: string) => void;

/** What takes the profiles of the windows, and what records its own when its server asks. */
export interface Outlets {
  readonly exporters: Exporter[];
  readonly gcpOnline: GcpOnline | undefined;
}

/** The destinations that the configuration asks for; one that cannot be built is reported and left out. */
export function buildOutlets(
  config: Config,
  { report, record }: { report: Report; record: GcpOnlineOptions['record'] },
): Outlets {
  const exporters: Exporter[] = [];
  let gcpOnline: GcpOnline | undefined;
  let isAnyMissing = false;
  for (const name of config.exporters) {
    try {
      if (name === 'gcp' && config.gcp.mode === 'online') {
        gcpOnline = new GcpOnline({ settings: gcpSettings(config, report), record, report });
      } else {
        exporters.push(build(name, config, report));
      }
    } catch (error) {
      isAnyMissing = true;
      report(error instanceof SpanprofError ? error.message : internal(name, error));
    }
  }
  // Better than nowhere: profiles that were asked for are kept where they can be found.
  const isNowhere = exporters.length === 0 && gcpOnline === undefined;
  if (isNowhere && isAnyMissing) exporters.push(fileExporter(config, report));
  return { exporters, gcpOnline };
}

const internal = (part: string, error: unknown): string =>
  messageOf('INTERNAL', { part, reason: error instanceof Error ? error.message : String(error) });

function build(name: ExporterName, config: Config, report: Report): Exporter {
  switch (name) {
    case 'file':
      return only(config.file.types, fileExporter(config, report));
    case 'pyroscope':
      return only(config.pyroscope.types, queued(pyroscope(config), config, report));
    case 'gcp':
      return queued(new GcpOffline(gcpSettings(config, report)), config, report);
  }
}

/** The exporter, given only profiles of these types. */
function only(types: readonly ProfileType[], exporter: Exporter): Exporter {
  if (types.length === PROFILE_TYPES) return exporter;
  return new TypeFilter(exporter, types);
}
const PROFILE_TYPES = Object.keys(PERIOD_TYPES).length;

const fileExporter = (config: Config, report: Report): Exporter =>
  new FileExporter({ ...config.file, report });

function pyroscope(config: Config): Destination {
  const { endpoint, api: protocol, ...options } = config.pyroscope;
  // The configuration was refused before: this is for the compiler.
  if (endpoint === undefined) throw new TypeError('pyroscope.endpoint is missing');
  const { labels } = config;
  return new PyroscopeDestination({ ...options, endpoint, protocol, labels });
}

function queued(destination: Destination, config: Config, report: Report): Exporter {
  const { directory, maxBytes, maxAgeSeconds } = config.spool;
  const { timeoutSeconds, firstRetrySeconds, maxRetrySeconds } = config.upload;
  return new QueueExporter(destination, {
    spoolDirectory: directory,
    spoolMaxBytes: maxBytes,
    spoolMaxAgeMillis: secondsToMillis(maxAgeSeconds),
    timeoutMillis: milliseconds(timeoutSeconds * 1_000),
    firstRetryMillis: milliseconds(firstRetrySeconds * 1_000),
    maxRetryMillis: milliseconds(maxRetrySeconds * 1_000),
    report,
  });
}
