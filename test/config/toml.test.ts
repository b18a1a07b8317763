// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of TOML files
/** The TOML file: the telemetry document word for word, placeholders, lines. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { OPTION_BY_PATH } from '../../src/config/schema.ts';
import { Problems } from '../../src/config/settings.ts';
import { TELEMETRY_KEYS } from '../../src/config/telemetry.ts';
import { parseToml } from '../../src/config/toml-file.ts';
import { load, workspace } from './workspace.ts';

const seed = readFileSync(new URL('../fixtures/seed-config.toml', import.meta.url), 'utf8');

describe('the telemetry document', () => {
  test('loads word for word and profiles', () => {
    const { config, problems, cwd } = load({ toml: seed });
    expect(problems).toEqual([]);
    expect(config).toMatchObject({
      enabled: true,
      serviceName: 'zdk-rust-app',
      windowSeconds: 30,
      cpu: { enabled: true, frequencyHertz: 100, wall: true },
      heap: { enabled: true, intervalBytes: 524_288, labels: true, allocs: false },
      exporters: ['pyroscope'],
      pyroscope: { endpoint: 'http://localhost:4040' },
      file: { directory: join(cwd, 'profiles') },
    });
  });

  test('keeps the other tables as written, placeholders included', () => {
    const { telemetry } = load({ toml: seed, env: { API_KEY: 'hunter2' } }).config;
    expect(Object.keys(telemetry).sort()).toEqual(['logging', 'metrics', 'tracing']);
    expect(telemetry).toMatchObject({
      logging: true,
      tracing: {
        enabled: true,
        otlp: { protocol: 'grpc', headers: { 'x-api-key': '${API_KEY}' } },
        sampling: { probability: 0.1 },
        exporters: [{ type: 'stdout' }, { type: 'jaeger' }],
      },
      metrics: { prometheus: { port: 9090, path: '/metrics' } },
    });
  });

  test('the commented-out exporters work too', () => {
    const uncommented = seed.replace(/^# (gcp_|file_)/gm, '$1');
    expect(uncommented).toContain('\ngcp_project_id');
    const { config, problems, cwd } = load({ toml: uncommented.replaceAll('./profiles', 'out') });
    expect(problems).toEqual([]);
    expect(config.exporters).toEqual(['pyroscope']);
    expect(config.gcp.projectId).toBe('my-project');
    expect(config.serviceName).toBe('zdk-rust-app');
    expect(config.file.directory).toBe(join(cwd, 'out'));
    const gcp = load({ toml: uncommented.replace('type = "pyroscope"', 'type = "gcp"') });
    expect(gcp.problems).toEqual([]);
    expect(gcp.config.exporters).toEqual(['gcp']);
    expect(gcp.config.serviceName).toBe('zdk-service');
  });

  test('the scenario for Google Cloud, with the project from the environment', () => {
    const toml = [
      '[telemetry.tracing.otlp.headers]',
      '"x-goog-api-key" = "${GCP_API_KEY}"',
      '[telemetry.profiling]',
      'enabled = true',
      '[telemetry.profiling.exporter]',
      'type = "gcp"',
      'gcp_project_id = "${GCP_PROJECT}"',
      'gcp_service_name = "zdk-production"',
    ].join('\n');
    const { config, problems } = load({ toml, env: { GCP_PROJECT: 'prod-7' } });
    expect(problems).toEqual([]);
    expect(config.gcp.projectId).toBe('prod-7');
    expect(config.serviceName).toBe('zdk-production');
    expect(config.exporters).toEqual(['gcp']);
  });

  test.each([
    ['an endpoint without a type', 'exporter', 'pyroscope_endpoint = "http://p"', ['pyroscope']],
    ['a directory without a type', 'exporter', 'file_output_dir = "out"', ['file']],
    ['a file type', 'exporter', 'type = "file"', ['file']],
    ['no exporter at all', 'cpu', 'frequency = 50', ['file']],
  ])('%s', (_, table, line, exporters) => {
    const { config, problems } = load({ toml: `[telemetry.profiling.${table}]\n${line}\n` });
    expect(problems).toEqual([]);
    expect(config.exporters).toEqual(exporters);
  });

  test.each([
    ['[telemetry]\nenabled = false', { enabled: false }],
    ['[telemetry.profiling]\nenabled = false', { enabled: false }],
    ['[telemetry]\nenabled = true\n[telemetry.profiling]\nenabled = false', { enabled: false }],
    ['[telemetry]\nenabled = false\n[telemetry.profiling]\nenabled = true', { enabled: false }],
    ['[telemetry.profiling.cpu]\nenabled = false', { cpu: { enabled: false } }],
    ['[telemetry.profiling.cpu]\nenabled = true\ncontinuous = false', { cpu: { enabled: false } }],
    ['[telemetry.profiling.cpu]\ncontinuous = true\nenabled = false', { cpu: { enabled: false } }],
    ['[telemetry.profiling.memory]\nenabled = false', { heap: { enabled: false, allocs: true } }],
    ['[telemetry.profiling.memory]\ntrack_allocations = true', { heap: { allocs: true } }],
    ['[telemetry.profiling.memory]\ntrack_allocations = false', { heap: { allocs: false } }],
    ['[telemetry.profiling.memory]\nheap_profiling = false', { heap: { enabled: true } }],
    ['[telemetry.profiling.memory]\nsampling_rate = 1', { heap: { intervalBytes: 5243 } }],
    ['[telemetry.profiling.memory]\nsampling_rate = 1000', { heap: { intervalBytes: 5_242_880 } }],
    ['[telemetry.profiling.memory]\nsampling_rate = 204800', { heap: { intervalBytes: 2 ** 30 } }],
    ['enabled = true\n[telemetry.profiling]\nenabled = false', { enabled: true }],
  ])('%j means %j', (toml, expected) => {
    const { config, problems } = load({ toml });
    expect(problems).toEqual([]);
    expect(config).toMatchObject(expected);
  });

  test('logging may be a table', () => {
    const { config, problems } = load({ toml: '[telemetry.logging]\nlevel = "debug"\n' });
    expect(problems).toEqual([]);
    expect(config.telemetry['logging']).toEqual({ level: 'debug' });
  });

  test('every key aims at an option there is', () => {
    for (const { name, target } of TELEMETRY_KEYS) {
      if (name.endsWith('.heap_profiling')) expect(target).toBeUndefined();
      else expect(OPTION_BY_PATH.has(target ?? ''), name).toBe(true);
    }
  });
});

describe('placeholders', () => {
  test.each([
    ['${NAME}', 'checkout'],
    ['a-${NAME}-${NAME}', 'a-checkout-checkout'],
    ['${MISSING:-fallback}', 'fallback'],
    ['${EMPTY:-fallback}', 'fallback'],
    ['${NAME:-fallback}', 'checkout'],
    ['$NAME ${', '$NAME ${'],
  ])('%s becomes %s', (written, expected) => {
    const env = { NAME: 'checkout', EMPTY: '' };
    const { config, problems } = load({ toml: `service_name = "${written}"`, env });
    expect(problems).toEqual([]);
    expect(config.serviceName).toBe(expected);
  });

  test('in lists, and for numbers and switches', () => {
    const { config, problems } = load({
      env: { WHERE: 'file', HERTZ: '250', WALL: 'off' },
      toml: 'exporters = ["${WHERE}"]\n[cpu]\nfrequency_hertz = "${HERTZ}"\nwall = " ${WALL} "\n',
    });
    expect(problems).toEqual([]);
    expect(config.exporters).toEqual(['file']);
    expect(config.cpu).toEqual({ enabled: true, frequencyHertz: 250, wall: false });
  });

  test('an empty variable is a missing one', () => {
    const { problems } = load({ toml: 'service_name = "${EMPTY}"', env: { EMPTY: '' } });
    expect(problems.map(({ message }) => message)).toEqual(['variable EMPTY is not set']);
  });
});

describe('which file', () => {
  test('SPANPROF_CONFIG, relative or absolute, instead of ./spanprof.toml', () => {
    const cwd = workspace({
      'spanprof.toml': 'window_seconds = 1',
      'etc/other.toml': 'window_seconds = 2\nzebra = 1',
    });
    const at = (file: string) => loadConfig({ env: { SPANPROF_CONFIG: file }, cwd });
    expect(at('').config.windowSeconds).toBe(1);
    expect(at('etc/other.toml').problems[0]?.source).toBe('file etc/other.toml:2');
    const absolute = join(cwd, 'etc/other.toml');
    expect(at(absolute).problems[0]?.source).toBe(`file ${absolute}:2`);
  });

  test('a byte order mark and Windows line ends are fine', () => {
    const { problems } = load({ toml: '\uFEFFwindow_seconds = 5\r\n\r\nzebra = 1\r\n' });
    expect(problems.map(({ source }) => source)).toEqual(['file ./spanprof.toml:3']);
  });
});

describe('lines', () => {
  const text = [
    'service_name = """', // 1
    '[cpu]',
    'not a table"""',
    '',
    'exporters = [', // 5
    '  "file", # comment',
    '  "gcp",',
    ']',
    'labels.team = "a"',
    '"quoted key" = 1', // 10
    "cpu = { wall = true, 'odd.key' = 2 }",
    '[ heap ] # header',
    'labels = true',
    '[[telemetry.tracing.exporters]]',
    'type = "stdout"', // 15
    '[[telemetry.tracing.exporters]]',
    'type = "jaeger"',
    '[telemetry.profiling.cpu]',
    'frequency = 5',
  ].join('\n');

  test.each([
    ['service_name', 1],
    ['exporters', 5],
    ['labels', 9],
    ['labels/team', 9],
    ['quoted key', 10],
    ['cpu', 11],
    ['cpu/wall', 11],
    ['cpu/odd.key', 11],
    ['heap', 12],
    ['heap/labels', 13],
    ['telemetry/tracing/exporters/type', 15],
    ['telemetry/profiling', 18],
    ['telemetry/profiling/cpu/frequency', 19],
  ])('%s stands on line %i', (keys, line) => {
    const file = parseToml(text, 'x.toml', new Problems());
    expect(file?.source(keys.split('/'))).toBe(`file x.toml:${line}`);
  });

  test('a key that is not there has none', () => {
    expect(parseToml(text, 'x.toml', new Problems())?.source(['zebra'])).toBe('file x.toml');
  });

  test('the search gives up in a very long statement', () => {
    const long = `text = """\n${'line\n'.repeat(5_000)}"""\nzebra = 1\n`;
    const file = parseToml(`early = 1\n${long}`, 'x.toml', new Problems());
    expect(file?.source(['early'])).toBe('file x.toml:1');
    expect(file?.source(['zebra'])).toBe('file x.toml');
  });
});

test('nothing in a file reaches a prototype', () => {
  const { config, problems } = load({
    toml: '[labels]\nconstructor = "x"\n[telemetry.tracing.__proto__]\nenabled = "polluted"\n',
  });
  expect(problems).toEqual([]);
  expect(Object.getOwnPropertyDescriptor(config.labels, 'constructor')?.value).toBe('x');
  expect(({} as Record<string, unknown>)['enabled']).toBeUndefined();
  expect(load({ toml: '[labels]\n__proto__ = "x"\n' }).problems).toHaveLength(1);
});
