/** A real Jaeger, built from its Go module, and the spans it has stored. */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { root } from '../../helpers/programs.ts';

const moduleFolder = join(root, 'test/tools/jaeger');

export interface StoredSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface Jaeger {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;
  /** All spans of a service once there are at least `atLeast`; fails after half a minute. */
  spans(service: string, atLeast: number): Promise<StoredSpan[]>;
  stop(): Promise<void>;
}

export async function startJaeger(): Promise<Jaeger> {
  const binary = await build();
  const folder = mkdtempSync(join(tmpdir(), 'spanprof-jaeger-'));
  const [otlp, http, grpc] = [await freePort(), await freePort(), await freePort()];
  const config = join(folder, 'config.yaml');
  writeFileSync(config, configuration(otlp, http, grpc));
  const child = spawn(binary, ['--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4_000);
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const api = `http://127.0.0.1:${http}/api`;
  const stop = async () => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let waited = 0; !(await answers(`${api}/services`)); waited += 100) {
    if (waited > 30_000 || child.exitCode !== null) {
      await stop();
      throw new Error(`Jaeger does not answer:\n${said}`);
    }
    await sleep(100);
  }
  return {
    endpoint: `http://127.0.0.1:${otlp}`,
    stop,
    async spans(service, atLeast) {
      for (let waited = 0; ; waited += 250) {
        const found = await read(`${api}/traces?service=${service}&limit=20000&lookback=1h`);
        if (found.length >= atLeast) return found;
        if (waited > 30_000) throw new Error(`${found.length} of ${atLeast} spans of ${service}`);
        await sleep(250);
      }
    },
  };
}

/** Everything on the loopback interface, everything in memory. */
function configuration(otlp: number, http: number, grpc: number): string {
  return `
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: { receivers: [otlp], exporters: [jaeger_storage_exporter] }
  telemetry: { metrics: { level: none }, logs: { level: warn } }
extensions:
  jaeger_storage: { backends: { memory: { memory: { max_traces: 100000 } } } }
  jaeger_query:
    storage: { traces: memory }
    http: { endpoint: 127.0.0.1:${http} }
    grpc: { endpoint: 127.0.0.1:${grpc} }
receivers:
  otlp: { protocols: { http: { endpoint: 127.0.0.1:${otlp} } } }
exporters:
  jaeger_storage_exporter: { trace_storage: memory }
`;
}

/** Built once per version; four minutes on two cores when Go's cache is cold. */
async function build(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of ['go.mod', 'go.sum']) hash.update(readFileSync(join(moduleFolder, name)));
  const folder = join(root, '.cache/jaeger');
  const binary = join(folder, hash.digest('hex').slice(0, 16));
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  const unfinished = `${binary}.${process.pid}`;
  const flags = ['-trimpath', '-ldflags', '-s -w', '-o', unfinished];
  const command = ['build', ...flags, 'github.com/jaegertracing/jaeger/cmd/jaeger'];
  await promisify(execFile)('go', command, { cwd: moduleFolder, maxBuffer: 64 * 1024 * 1024 });
  renameSync(unfinished, binary);
  return binary;
}

interface JaegerTrace {
  readonly spans: readonly {
    readonly operationName: string;
    readonly traceID: string;
    readonly spanID: string;
    readonly references?: readonly { readonly spanID: string }[];
    readonly tags: readonly { readonly key: string; readonly value: unknown }[];
  }[];
}

async function read(url: string): Promise<StoredSpan[]> {
  const response = await fetch(url);
  const { data } = (await response.json()) as { data: readonly JaegerTrace[] | null };
  return (data ?? []).flatMap(({ spans }) =>
    spans.map(({ operationName, traceID, spanID, references, tags }) => ({
      name: operationName,
      traceId: traceID,
      spanId: spanID,
      parentId: references?.[0]?.spanID,
      attributes: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    })),
  );
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}
