/** Every option through every source, driven by the schema itself. */
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatProblems, loadConfig } from '../../src/config/load.ts';
import {
  type Config,
  OPTIONS,
  type OptionEntry,
  type Options,
  SCHEMA,
} from '../../src/config/schema.ts';
import { load } from './workspace.ts';

/** A valid value: as code and TOML give it, and as text. */
interface Sample {
  readonly value: unknown;
  readonly text: string;
}

function rangeOf({ option }: OptionEntry): { from: number; to: number } | undefined {
  const [, from, to] = /number.* from ([\d.]+) to ([\d.]+)$/.exec(option.kind.expected) ?? [];
  return from === undefined ? undefined : { from: Number(from), to: Number(to) };
}

/** Three valid values, neighbours different, the first not the default. */
function samplesOf(entry: OptionEntry): readonly [Sample, Sample, Sample] {
  const { expected } = entry.option.kind;
  const range = rangeOf(entry);
  const three = (...values: [unknown, unknown, unknown]) =>
    values.map((value) => ({ value, text: String(value) })) as [Sample, Sample, Sample];
  if (range !== undefined) return three(range.to, range.from, range.from + 1);
  if (expected === 'true or false') {
    const { fallback } = entry.option;
    return three(!fallback, fallback, !fallback);
  }
  if (expected.startsWith('one of ')) {
    const [first, second] = expected.replace('one of ', '').split(', ');
    return three(second, first, second);
  }
  if (expected.includes('conditions')) return three(['a=b', 'c!=d'], ['a=2'], ['a=*']);
  if (expected.startsWith('a list of ')) {
    if (expected.includes('gcp')) return three(['gcp', 'file'], ['gcp'], ['file', 'gcp']);
    // Profile types, which are names of labels as well.
    return three(['heap', 'cpu'], ['wall'], ['cpu', 'heap']);
  }
  if (/^(labels|headers)/.test(expected)) {
    return [
      { value: { a: 'b', c: 'd' }, text: 'a=b,c=d' },
      { value: { a: '2' }, text: 'a=2' },
      { value: { a: '3' }, text: 'a=3' },
    ];
  }
  if (expected === 'a path') return three('some/where', 'else/where', '/any/where');
  if (expected.startsWith('an http')) return three('https://a.example/b', 'http://b', 'http://c:1');
  return three('some text', 'other text', 'third text');
}

/** What a sample must become. */
function resultOf(entry: OptionEntry, { value }: Sample, cwd: string): unknown {
  return entry.option.kind.expected === 'a path' ? resolve(cwd, String(value)) : value;
}

/** `{ cpu: { wall: value } }` for `cpu.wall`. */
function optionsWith(entry: OptionEntry, value: unknown): unknown {
  return entry.keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}

function at(config: Config, entry: OptionEntry): unknown {
  return entry.keys.reduce<unknown>(
    (inner, key) => (inner as Record<string, unknown>)[key],
    config,
  );
}

function tomlText(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return JSON.stringify(value);
  }
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${key} = ${tomlText(inner)}`)
    .join(', ')} }`;
}

const entries = OPTIONS.map((entry) => [entry.path, entry] as const);
/** `enabled: false` reads nothing else; it has tests of its own. */
const readable = entries.filter(([path]) => path !== 'enabled');
const ranged = entries.flatMap(([path, entry]) => {
  const range = rangeOf(entry);
  return range === undefined ? [] : [[path, entry, range] as const];
});

describe.each(readable)('%s', (path, entry) => {
  const samples = samplesOf(entry);
  const [sample] = samples;

  test('in code', () => {
    const { config, problems, cwd } = load({ options: optionsWith(entry, sample.value) });
    expect(problems).toEqual([]);
    expect(at(config, entry)).toEqual(resultOf(entry, sample, cwd));
  });

  test('in the environment', () => {
    const { config, problems, cwd } = load({ env: { [entry.variable]: ` ${sample.text} ` } });
    expect(problems).toEqual([]);
    expect(at(config, entry)).toEqual(resultOf(entry, sample, cwd));
  });

  test('an empty variable counts as not set', () => {
    const { config, problems, cwd } = load({ env: { [entry.variable]: ' ' } });
    expect(problems).toEqual([]);
    expect(config).toEqual(loadConfig({ env: {}, cwd }).config);
  });

  test.each([
    ['snake_case', entry.tomlPath],
    ['camelCase', entry.path],
  ])('in TOML, %s', (_, name) => {
    const { config, problems, cwd } = load({ toml: `${name} = ${tomlText(sample.value)}\n` });
    expect(problems).toEqual([]);
    expect(at(config, entry)).toEqual(resultOf(entry, sample, cwd));
  });

  test('as a replaced variable in TOML', () => {
    const { config, problems, cwd } = load({
      env: { GIVEN: sample.text },
      toml: `${path} = "\${GIVEN}"\n`,
    });
    expect(problems).toEqual([]);
    expect(at(config, entry)).toEqual(resultOf(entry, sample, cwd));
  });

  test('code beats environment beats TOML beats default', () => {
    const [first, second, third] = samples;
    const options = optionsWith(entry, first.value);
    const env = { [entry.variable]: second.text };
    const toml = `${path} = ${tomlText(third.value)}\n`;
    for (const [sources, expected] of [
      [{ options, env, toml }, first],
      [{ options, toml }, first],
      [{ env, toml }, second],
      [{ toml }, third],
    ] as const) {
      const { config, problems, cwd } = load(sources);
      expect(problems).toEqual([]);
      expect(at(config, entry)).toEqual(resultOf(entry, expected, cwd));
    }
  });

  test('a wrong type is refused wherever it stands', () => {
    const isRecord = path === 'labels' || path === 'pyroscope.headers';
    const wrong = isRecord ? 7 : { no: 'such' };
    const inCode = load({ options: optionsWith(entry, wrong) });
    const inToml = load({ toml: `${path} = ${tomlText(wrong)}\n` });
    const what = `expected ${entry.option.kind.expected}, got ${isRecord ? (path === 'labels' ? '7' : 'a number') : 'an object'}`;
    expect(formatProblems(inCode.problems)).toBe(`  ${path}: ${what} (option)`);
    expect(formatProblems(inToml.problems)).toBe(`  ${path}: ${what} (file ./spanprof.toml:1)`);
  });
});

test.each(ranged)('%s keeps to its range', (path, entry, { from, to }) => {
  for (const value of [from, to]) {
    const { config, problems } = load({ options: optionsWith(entry, value) });
    expect(problems).toEqual([]);
    expect(at(config, entry)).toBe(value);
  }
  for (const value of [from - 1, to + 1]) {
    const what = `  ${path}: expected ${entry.option.kind.expected}, got`;
    const lines = [
      [{ options: optionsWith(entry, value) }, `${what} ${value} (option)`],
      [
        { env: { [entry.variable]: `${value}` } },
        `${what} "${value}" (environment ${entry.variable})`,
      ],
      [{ toml: `${entry.tomlPath} = ${value}` }, `${what} ${value} (file ./spanprof.toml:1)`],
    ] as const;
    for (const [given, line] of lines) {
      const name = 'toml' in given ? line.replace(path, entry.tomlPath) : line;
      expect(formatProblems(load(given).problems)).toBe(name);
    }
  }
});

test('the documented names and defaults', () => {
  const { config, problems, cwd } = load({ files: { 'package.json': '{"name":"shop"}' } });
  expect(problems).toEqual([]);
  expect(config).toEqual({
    enabled: true,
    serviceName: 'shop',
    labels: {},
    windowSeconds: 60,
    cpu: { enabled: true, frequencyHertz: 100, wall: true },
    heap: {
      enabled: true,
      intervalBytes: 524_288,
      labels: true,
      allocs: true,
      allocsPerSecond: 150,
    },
    attribution: {
      cpu: 'exact',
      bytes: 'sampled',
      maxSwitchesPerSecond: 500_000,
      budgetPercent: 3,
    },
    exporters: ['file'],
    file: {
      directory: join(cwd, 'profiles'),
      maxFiles: 1000,
      maxBytes: 536_870_912,
      types: ['cpu', 'wall', 'heap', 'allocs'],
      filter: [],
      intervalSeconds: 0,
    },
    pyroscope: {
      endpoint: undefined,
      token: undefined,
      user: undefined,
      password: undefined,
      tenant: undefined,
      types: ['cpu', 'wall', 'heap', 'allocs'],
      filter: [],
      intervalSeconds: 0,
      api: 'push',
      seriesLabels: ['agent_name', 'tool_name'],
      spanLabel: 'root',
      caFile: undefined,
      proxy: undefined,
      headers: {},
    },
    gcp: {
      projectId: undefined,
      zone: undefined,
      mode: 'online',
      serviceVersion: undefined,
      endpoint: 'https://cloudprofiler.googleapis.com',
      caFile: undefined,
      types: ['cpu', 'wall', 'heap', 'allocs'],
      filter: [],
      intervalSeconds: 0,
    },
    spool: {
      directory: join(tmpdir(), 'spanprof-spool'),
      maxBytes: 67_108_864,
      maxAgeSeconds: 3600,
    },
    upload: { timeoutSeconds: 15, firstRetrySeconds: 1, maxRetrySeconds: 60, exitSeconds: 1.5 },
    endpoint: {
      port: undefined,
      host: '127.0.0.1',
      socket: undefined,
      token: undefined,
      allowedHosts: [],
      showArguments: false,
    },
    otel: { enabled: true },
    telemetry: {},
  });
  expect(OPTIONS.map(({ path, variable }) => `${path} ${variable}`)).toEqual([
    'enabled SPANPROF_ENABLED',
    'serviceName SPANPROF_SERVICE_NAME',
    'labels SPANPROF_LABELS',
    'windowSeconds SPANPROF_WINDOW_SECONDS',
    'cpu.enabled SPANPROF_CPU',
    'cpu.frequencyHertz SPANPROF_CPU_FREQUENCY_HERTZ',
    'cpu.wall SPANPROF_WALL',
    'heap.enabled SPANPROF_HEAP',
    'heap.intervalBytes SPANPROF_HEAP_INTERVAL_BYTES',
    'heap.labels SPANPROF_HEAP_LABELS',
    'heap.allocs SPANPROF_HEAP_ALLOCS',
    'heap.allocsPerSecond SPANPROF_HEAP_ALLOCS_PER_SECOND',
    'attribution.cpu SPANPROF_ATTRIBUTION_CPU',
    'attribution.bytes SPANPROF_ATTRIBUTION_BYTES',
    'attribution.maxSwitchesPerSecond SPANPROF_ATTRIBUTION_MAX_SWITCHES_PER_SECOND',
    'attribution.budgetPercent SPANPROF_ATTRIBUTION_BUDGET_PERCENT',
    'exporters SPANPROF_EXPORTERS',
    'file.directory SPANPROF_FILE_DIRECTORY',
    'file.maxFiles SPANPROF_FILE_MAX_FILES',
    'file.maxBytes SPANPROF_FILE_MAX_BYTES',
    'file.types SPANPROF_FILE_TYPES',
    'file.filter SPANPROF_FILE_FILTER',
    'file.intervalSeconds SPANPROF_FILE_INTERVAL_SECONDS',
    'pyroscope.endpoint SPANPROF_PYROSCOPE_ENDPOINT',
    'pyroscope.token SPANPROF_PYROSCOPE_TOKEN',
    'pyroscope.user SPANPROF_PYROSCOPE_USER',
    'pyroscope.password SPANPROF_PYROSCOPE_PASSWORD',
    'pyroscope.tenant SPANPROF_PYROSCOPE_TENANT',
    'pyroscope.types SPANPROF_PYROSCOPE_TYPES',
    'pyroscope.filter SPANPROF_PYROSCOPE_FILTER',
    'pyroscope.intervalSeconds SPANPROF_PYROSCOPE_INTERVAL_SECONDS',
    'pyroscope.api SPANPROF_PYROSCOPE_API',
    'pyroscope.seriesLabels SPANPROF_PYROSCOPE_SERIES_LABELS',
    'pyroscope.spanLabel SPANPROF_PYROSCOPE_SPAN_LABEL',
    'pyroscope.caFile SPANPROF_PYROSCOPE_CA_FILE',
    'pyroscope.proxy SPANPROF_PYROSCOPE_PROXY',
    'pyroscope.headers SPANPROF_PYROSCOPE_HEADERS',
    'gcp.projectId SPANPROF_GCP_PROJECT_ID',
    'gcp.zone SPANPROF_GCP_ZONE',
    'gcp.mode SPANPROF_GCP_MODE',
    'gcp.serviceVersion SPANPROF_GCP_SERVICE_VERSION',
    'gcp.endpoint SPANPROF_GCP_ENDPOINT',
    'gcp.caFile SPANPROF_GCP_CA_FILE',
    'gcp.types SPANPROF_GCP_TYPES',
    'gcp.filter SPANPROF_GCP_FILTER',
    'gcp.intervalSeconds SPANPROF_GCP_INTERVAL_SECONDS',
    'spool.directory SPANPROF_SPOOL_DIRECTORY',
    'spool.maxBytes SPANPROF_SPOOL_MAX_BYTES',
    'spool.maxAgeSeconds SPANPROF_SPOOL_MAX_AGE_SECONDS',
    'upload.timeoutSeconds SPANPROF_UPLOAD_TIMEOUT_SECONDS',
    'upload.firstRetrySeconds SPANPROF_UPLOAD_FIRST_RETRY_SECONDS',
    'upload.maxRetrySeconds SPANPROF_UPLOAD_MAX_RETRY_SECONDS',
    'upload.exitSeconds SPANPROF_UPLOAD_EXIT_SECONDS',
    'endpoint.port SPANPROF_ENDPOINT_PORT',
    'endpoint.host SPANPROF_ENDPOINT_HOST',
    'endpoint.socket SPANPROF_ENDPOINT_SOCKET',
    'endpoint.token SPANPROF_ENDPOINT_TOKEN',
    'endpoint.allowedHosts SPANPROF_ENDPOINT_ALLOWED_HOSTS',
    'endpoint.showArguments SPANPROF_ENDPOINT_SHOW_ARGUMENTS',
    'otel.enabled SPANPROF_OTEL',
  ]);
});

test('every default and every example fits its own option', () => {
  for (const { path, option } of OPTIONS) {
    for (const value of [option.fallback, option.example]) {
      if (value === undefined) continue;
      expect(option.kind.read(value, '/'), path).toHaveProperty('value');
    }
  }
});

test('the types follow the schema', () => {
  const options: Options = {
    windowSeconds: 10,
    cpu: { wall: false, frequencyHertz: undefined },
    attribution: { cpu: 'off' },
    exporters: ['file'],
    labels: { team: 'search', shard: 3 },
    pyroscope: { token: undefined },
  };
  const { config, problems } = load({ options });
  expect(problems).toEqual([]);
  const wall: boolean = config.cpu.wall;
  const port: number | undefined = config.endpoint.port;
  const how: 'exact' | 'sampled' | 'off' = config.attribution.cpu;
  expect([wall, port, how]).toEqual([false, undefined, 'off']);
  // @ts-expect-error: the resolved configuration is read-only
  expect(() => (config.cpu.wall = true)).toThrow(TypeError);
  // @ts-expect-error: seconds are not bytes
  const bytes: Config['file']['maxBytes'] = config.windowSeconds;
  expect(bytes).toBe(10);
  // @ts-expect-error: no such option
  expect(load({ options: { cpu: { rate: 3 } } satisfies Options }).problems).toHaveLength(1);
  expect(SCHEMA.windowSeconds.fallback).toBe(60);
});
