import { isMainThread } from 'node:worker_threads';
import type { Config, ExporterName } from '../config/schema.ts';
import { messageOf, SpanprofError } from '../errors.ts';
import { seconds, secondsToMillis } from '../units.ts';
import type { Exporter } from './exporter.ts';
import { FileExporter } from './file.ts';
import { GcpOffline } from './gcp/offline.ts';
import { GcpOnline, type GcpOnlineOptions } from './gcp/online.ts';
import { gcpSettings } from './gcp/settings.ts';
import type { LastAct } from './last-act.ts';
import { GuardedExporter, isDestination, type OwnExporter } from './own.ts';
import { PyroscopeDestination, type PyroscopeOptions } from './pyroscope/pyroscope.ts';
import { QueueExporter, type QueueOptions } from './queue.ts';
import type { Outlet, Route } from './route.ts';

type Report = (message: string) => void;

/** What takes the profiles of the windows, and what records its own when its server asks. */
export interface Outlets {
  readonly outlets: Outlet[];
  readonly gcpOnline: GcpOnline | undefined;
}

/**
 * The destinations that the configuration asks for and those that the application brings. One that
 * cannot be built is reported and left out.
 */
export function buildOutlets(
  config: Config,
  own: readonly OwnExporter[],
  { report, record }: { report: Report; record: GcpOnlineOptions['record'] },
): Outlets {
  const outlets: Outlet[] = [];
  let gcpOnline: GcpOnline | undefined;
  let isAnyMissing = false;
  for (const name of config.exporters) {
    try {
      if (name === 'gcp' && config.gcp.mode === 'online') {
        gcpOnline = new GcpOnline({ settings: gcpSettings(config, report), record, report });
      } else {
        outlets.push({ exporter: build(name, config, report), route: config[name] });
      }
    } catch (error) {
      isAnyMissing = true;
      report(error instanceof SpanprofError ? error.message : internal(name, error));
    }
  }
  for (const one of own) {
    const queue = queueOptions(config, one, report);
    const exporter = isDestination(one)
      ? new QueueExporter(one, queue)
      : new GuardedExporter(one, queue.timeoutMillis, report);
    outlets.push({ exporter, route: one });
  }
  // Better than nowhere: profiles that were asked for are kept where they can be found.
  const isNowhere = outlets.length === 0 && gcpOnline === undefined;
  if (isNowhere && isAnyMissing) {
    outlets.push({ exporter: fileExporter(config, report), route: config.file });
  }
  return { outlets, gcpOnline };
}

const internal = (part: string, error: unknown): string =>
  messageOf('INTERNAL', { part, reason: error instanceof Error ? error.message : String(error) });

function build(name: ExporterName, config: Config, report: Report): Exporter {
  switch (name) {
    case 'file':
      return fileExporter(config, report);
    case 'pyroscope':
      return pyroscope(config, report);
    case 'gcp':
      return new QueueExporter(
        new GcpOffline(gcpSettings(config, report)),
        queueOptions(config, config.gcp, report),
      );
  }
}

const fileExporter = (config: Config, report: Report): Exporter =>
  new FileExporter({ ...config.file, report });

function pyroscope(config: Config, report: Report): Exporter {
  const { endpoint, api: protocol, ...options } = config.pyroscope;
  // The configuration was refused before: this is for the compiler.
  if (endpoint === undefined) throw new TypeError('pyroscope.endpoint is missing');
  const { labels } = config;
  const pyroscope: PyroscopeOptions = { ...options, endpoint, protocol, labels };
  const queue = queueOptions(config, config.pyroscope, report);
  const lastAct: LastAct = { pyroscope, queue };
  // A worker's end is not the process's: the main thread goes on and sends what it left.
  const atEnd = isMainThread && config.upload.exitSeconds > 0 ? { lastAct } : {};
  return new QueueExporter(new PyroscopeDestination(pyroscope), { ...queue, ...atEnd });
}

function queueOptions(
  { spool, upload, windowSeconds }: Config,
  { intervalSeconds = 0 }: Route,
  report: Report,
): QueueOptions {
  return {
    spoolDirectory: spool.directory,
    spoolMaxBytes: spool.maxBytes,
    spoolMaxAgeMillis: secondsToMillis(spool.maxAgeSeconds),
    windowMillis: secondsToMillis(seconds(windowSeconds + intervalSeconds)),
    timeoutMillis: secondsToMillis(seconds(upload.timeoutSeconds)),
    firstRetryMillis: secondsToMillis(seconds(upload.firstRetrySeconds)),
    maxRetryMillis: secondsToMillis(seconds(upload.maxRetrySeconds)),
    report,
  };
}
