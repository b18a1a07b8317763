import { isMainThread } from 'node:worker_threads';
import type { Config, ExporterName } from '../config/schema.ts';
import { PERIOD_TYPES, type ProfileType } from '../profile/model.ts';
import { seconds, secondsToMillis } from '../units.ts';
import type { Exporter } from './exporter.ts';
import { FileExporter } from './file.ts';
import type { LastAct } from './last-act.ts';
import { GuardedExporter, isDestination, type OwnExporter } from './own.ts';
import { PyroscopeDestination, type PyroscopeOptions } from './pyroscope/pyroscope.ts';
import { QueueExporter, type QueueOptions } from './queue.ts';
import { TypeFilter } from './type-filter.ts';

type Report = (message: string) => void;

/**
 * The exporters that the configuration asks for and those that the application brings; those of
 * `missing` are not in this version.
 */
export function buildExporters(
  config: Config,
  own: readonly OwnExporter[],
  report: Report,
): { exporters: Exporter[]; missing: ExporterName[] } {
  const exporters: Exporter[] = [];
  const missing: ExporterName[] = [];
  for (const name of config.exporters) {
    const exporter = build(name, config, report);
    if (exporter === undefined) missing.push(name);
    else exporters.push(exporter);
  }
  for (const one of own) {
    if (isDestination(one)) exporters.push(new QueueExporter(one, queueOptions(config, report)));
    else exporters.push(new GuardedExporter(one, report));
  }
  // Better than nowhere: profiles that were asked for are kept where they can be found.
  if (exporters.length === 0 && missing.length > 0) exporters.push(fileExporter(config, report));
  return { exporters, missing };
}

function build(name: ExporterName, config: Config, report: Report): Exporter | undefined {
  switch (name) {
    case 'file':
      return only(config.file.types, fileExporter(config, report));
    case 'pyroscope':
      return only(config.pyroscope.types, pyroscope(config, report));
    case 'gcp':
      return undefined; // new QueueExporter(new GcpDestination(config.gcp), queueOptions(config, report))
  }
}

/** The exporter, given only profiles of these types. */
function only<Given extends Exporter | undefined>(types: readonly ProfileType[], exporter: Given) {
  if (exporter === undefined || types.length === PROFILE_TYPES) return exporter;
  return new TypeFilter(exporter, types);
}
const PROFILE_TYPES = Object.keys(PERIOD_TYPES).length;

const fileExporter = (config: Config, report: Report): Exporter =>
  new FileExporter({ ...config.file, report });

function pyroscope(config: Config, report: Report): Exporter | undefined {
  const { endpoint, api: protocol, ...options } = config.pyroscope;
  if (endpoint === undefined) return undefined; // the configuration was refused before
  const { labels } = config;
  const pyroscope: PyroscopeOptions = { ...options, endpoint, protocol, labels };
  const queue = queueOptions(config, report);
  const lastAct: LastAct = { pyroscope, queue };
  // A worker's end is not the process's: the main thread goes on and sends what it left.
  const atEnd = isMainThread && config.upload.exitSeconds > 0 ? { lastAct } : {};
  return new QueueExporter(new PyroscopeDestination(pyroscope), { ...queue, ...atEnd });
}

function queueOptions({ spool, upload }: Config, report: Report): QueueOptions {
  return {
    spoolDirectory: spool.directory,
    spoolMaxBytes: spool.maxBytes,
    spoolMaxAgeMillis: secondsToMillis(spool.maxAgeSeconds),
    timeoutMillis: secondsToMillis(seconds(upload.timeoutSeconds)),
    firstRetryMillis: secondsToMillis(seconds(upload.firstRetrySeconds)),
    maxRetryMillis: secondsToMillis(seconds(upload.maxRetrySeconds)),
    report,
  };
}
