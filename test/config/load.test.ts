// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of TOML files
/** Where values come from, and what comes back. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatProblems, loadConfig } from '../../src/config/load.ts';
import { load, workspace } from './workspace.ts';

describe('service name', () => {
  const toml = '[telemetry.profiling.exporter]\napplication_name = "by-telemetry-name"\n';
  const ranks = [
    ['PYROSCOPE_APPLICATION_NAME', 'by-pyroscope'],
    ['OTEL_RESOURCE_ATTRIBUTES', 'service.name=by-attribute,team=search'],
    ['OTEL_SERVICE_NAME', 'by-otel'],
    ['SPANPROF_SERVICE_NAME', 'by-spanprof'],
  ] as const;

  test('each source gives way to the next', () => {
    const found = [load({ toml }).config.serviceName];
    const env: Record<string, string> = {};
    for (const [name, value] of ranks) {
      env[name] = value;
      found.push(load({ env, toml }).config.serviceName);
    }
    found.push(load({ env, toml, options: { serviceName: 'by-option' } }).config.serviceName);
    expect(found).toEqual([
      'by-telemetry-name',
      'by-pyroscope',
      'by-attribute',
      'by-otel',
      'by-spanprof',
      'by-option',
    ]);
  });

  test('an option path in the file beats a telemetry name', () => {
    const { config } = load({ toml: `service_name = "by-path"\n${toml}` });
    expect(config.serviceName).toBe('by-path');
  });

  test('the nearest package.json with a name, from the working directory upward', () => {
    const root = workspace({
      'package.json': '{"name":"@shop/root"}',
      'service/package.json': '{"type":"module"}',
      'service/broken/package.json': '{"name":',
      'service/inner/package.json': '{"name":"inner"}',
    });
    const nameAt = (...path: string[]) =>
      loadConfig({ env: {}, cwd: join(root, ...path) }).config.serviceName;
    expect(nameAt()).toBe('@shop/root');
    expect(nameAt('service')).toBe('@shop/root');
    expect(nameAt('service', 'broken')).toBe('@shop/root');
    expect(nameAt('service', 'inner')).toBe('inner');
    expect(nameAt('service', 'inner', 'not', 'there')).toBe('inner');
    const long = load({ files: { 'package.json': JSON.stringify({ name: 'n'.repeat(200) }) } });
    expect(long.config.serviceName).toBe('unknown_service:node');
  });

  test('without any', () => {
    expect(load().config.serviceName).toBe('unknown_service:node');
    const empty = load({ env: { OTEL_RESOURCE_ATTRIBUTES: 'service.name=' } });
    expect(empty.problems).toEqual([]);
    expect(empty.config.serviceName).toBe('unknown_service:node');
  });
});

describe('labels', () => {
  test('of all sources are joined, the higher source wins a name', () => {
    const { config, problems } = load({
      options: { labels: { a: 'option', shard: 3 } },
      env: {
        SPANPROF_LABELS: 'a=own, b = own ,',
        OTEL_RESOURCE_ATTRIBUTES: 'a=otel,b=otel,c=otel,service.name=shop',
      },
      toml: '[labels]\na = "file"\nc = "file"\nd = "${WHO:-file}"\n',
    });
    expect(problems).toEqual([]);
    expect(config.labels).toEqual({ a: 'option', shard: 3, b: 'own', c: 'otel', d: 'file' });
    expect(config.serviceName).toBe('shop');
  });

  test('resource attributes are percent-decoded, our own list is not', () => {
    const { config } = load({
      env: {
        OTEL_RESOURCE_ATTRIBUTES: 'city=K%C3%B6ln%2C%20DE,a%20key=x=y',
        SPANPROF_LABELS: 'share=50%25',
      },
    });
    expect(config.labels).toEqual({ city: 'Köln, DE', 'a key': 'x=y', share: '50%25' });
  });
});

describe('exporters', () => {
  test.each([
    [{}, ['file']],
    [{ SPANPROF_PYROSCOPE_ENDPOINT: 'http://p' }, ['pyroscope']],
    [{ PYROSCOPE_SERVER_ADDRESS: 'http://p' }, ['pyroscope']],
    [{ SPANPROF_GCP_PROJECT_ID: 'p' }, ['gcp']],
    [{ GOOGLE_CLOUD_PROJECT: 'p' }, ['file']],
    [
      { SPANPROF_FILE_DIRECTORY: 'd', SPANPROF_PYROSCOPE_ENDPOINT: 'http://p' },
      ['file', 'pyroscope'],
    ],
    [{ SPANPROF_EXPORTERS: 'file', PYROSCOPE_SERVER_ADDRESS: 'http://p' }, ['file']],
    [{ SPANPROF_EXPORTERS: 'GCP,file, gcp' }, ['gcp', 'file']],
    [{ SPANPROF_FILE_MAX_FILES: '10', SPANPROF_GCP_PROJECT_ID: 'p' }, ['gcp']],
  ] as const)('%j gives %j', (env, expected) => {
    const { config, problems } = load({ env });
    expect(problems).toEqual([]);
    expect(config.exporters).toEqual(expected);
  });

  test('GOOGLE_CLOUD_PROJECT still names the project', () => {
    const env = { GOOGLE_CLOUD_PROJECT: 'p' };
    expect(load({ env }).config.gcp.projectId).toBe('p');
  });

  test('an empty list sends profiles nowhere', () => {
    expect(load({ options: { exporters: [] } }).config.exporters).toEqual([]);
  });
});

describe('honoured variables', () => {
  test.each([
    ['PYROSCOPE_SERVER_ADDRESS', 'endpoint', 'https://p.example/'],
    ['PYROSCOPE_AUTH_TOKEN', 'token', 'abc'],
    ['PYROSCOPE_BASIC_AUTH_USER', 'user', 'ann'],
    ['PYROSCOPE_BASIC_AUTH_PASSWORD', 'password', 'abc'],
    ['PYROSCOPE_TENANT_ID', 'tenant', 'team-a'],
  ] as const)('%s sets pyroscope.%s', (variable, name, text) => {
    const { config, problems } = load({ env: { [variable]: text } });
    expect(problems).toEqual([]);
    expect(config.pyroscope[name]).toBe(text.replace(/\/$/, ''));
  });

  test('are not looked at where our own variable or an option is set', () => {
    const env = { PYROSCOPE_SERVER_ADDRESS: 'not a url' };
    expect(load({ env }).problems).toHaveLength(1);
    const own = { ...env, SPANPROF_PYROSCOPE_ENDPOINT: 'http://p' };
    expect(load({ env: own }).problems).toEqual([]);
    const { config } = load({ env, options: { pyroscope: { endpoint: 'http://q' } } });
    expect(config.pyroscope.endpoint).toBe('http://q');
  });

  test('beat the file', () => {
    const toml = '[pyroscope]\ntenant = "file"\n';
    expect(load({ toml, env: { PYROSCOPE_TENANT_ID: 'env' } }).config.pyroscope.tenant).toBe('env');
  });
});

describe('switched off', () => {
  const broken = { SPANPROF_CONFIG: 'nowhere.toml', SPANPROF_ZEBRA: '1' };

  test.each(['false', 'FALSE', '0', 'off', 'No', ' false '])('by SPANPROF_ENABLED=%s', (text) => {
    const { config, problems } = load({ env: { ...broken, SPANPROF_ENABLED: text } });
    expect(problems).toEqual([]); // nothing was read, or the file would have been missed
    expect(config.enabled).toBe(false);
  });

  test('by the option, whatever else is passed', () => {
    const { config, problems } = load({ options: { enabled: false, zebra: 1 }, env: broken });
    expect(problems).toEqual([]);
    expect(config.enabled).toBe(false);
  });

  test('an option switches on what the environment switches off', () => {
    const { config } = load({ options: { enabled: true }, env: { SPANPROF_ENABLED: 'false' } });
    expect(config.enabled).toBe(true);
  });

  test('by the file, which is checked all the same', () => {
    expect(load({ toml: 'enabled = false' }).config.enabled).toBe(false);
    expect(load({ toml: 'enabled = false\nzebra = 1' }).problems).toHaveLength(1);
    expect(load({ toml: 'enabled = false', env: { SPANPROF_ENABLED: 'on' } }).config.enabled).toBe(
      true,
    );
  });
});

describe('the options object', () => {
  test('may have no prototype or come from elsewhere', () => {
    const bare: object = Object.assign(Object.create(null), { windowSeconds: 5 });
    expect(load({ options: bare }).config.windowSeconds).toBe(5);
    expect(load({ options: Object.create({ windowSeconds: 7 }) }).problems).toHaveLength(1);
  });

  test('undefined means not given', () => {
    const options = { windowSeconds: undefined, cpu: undefined, pyroscope: { token: undefined } };
    const { config, problems } = load({ options, env: { SPANPROF_WINDOW_SECONDS: '5' } });
    expect(problems).toEqual([]);
    expect(config.windowSeconds).toBe(5);
  });

  test('is neither kept nor frozen', () => {
    const options = { labels: { a: 'b' }, exporters: ['file'] };
    const { config } = load({ options });
    options.labels.a = 'changed';
    options.exporters.push('gcp');
    expect(config.labels).toEqual({ a: 'b' });
    expect(config.exporters).toEqual(['file']);
  });
});

test('the configuration is frozen all the way down', () => {
  const { config } = load({
    options: { labels: { a: 'b' } },
    toml: '[telemetry.tracing.otlp]\nheaders = { a = ["b"] }\n',
  });
  const check = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    expect(Object.isFrozen(value)).toBe(true);
    Object.values(value).forEach(check);
  };
  check(config);
  expect(config.telemetry).toHaveProperty('tracing.otlp.headers.a', ['b']);
});

describe('problems', () => {
  test('of all sources come at once, values that are overridden included', () => {
    const { config, problems } = load({
      options: { windowSeconds: 0, cpu: { frequencyHertz: 50 } },
      env: { SPANPROF_CPU_FREQUENCY_HERTZ: 'fast', SPANPROF_WINDOW_SECONDS: '30' },
      toml: '[heap]\ninterval_bytes = 5\nzebra = 1\n[telemetry.profiling.cpu]\nfrequency = 0\n',
    });
    expect(problems.map(({ option, source }) => `${option} from ${source}`)).toEqual([
      'heap.zebra from file ./spanprof.toml:3',
      'windowSeconds from option',
      'cpu.frequencyHertz from environment SPANPROF_CPU_FREQUENCY_HERTZ',
      'heap.interval_bytes from file ./spanprof.toml:2',
      'telemetry.profiling.cpu.frequency from file ./spanprof.toml:5',
    ]);
    expect(config).toEqual({ ...load().config, enabled: false, file: config.file });
  });

  test('are bounded', () => {
    const options = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`zebra${i}`, i]));
    const { problems } = load({ options });
    expect(problems).toHaveLength(51);
    expect(formatProblems(problems.slice(-1))).toBe(
      '  configuration: 30 more problem(s) are not listed (all sources)',
    );
  });

  test('never show a secret', () => {
    const secret = 'hunter2-hunter2';
    const long = secret.repeat(400);
    const { problems } = load({
      options: {
        pyroscope: { token: [secret], password: { secret }, endpoint: `ftp://a:${secret}@host` },
        endpoint: { token: long, tokn: secret },
      },
      env: {
        SPANPROF_PYROSCOPE_TOKEN: `${long}`,
        SPANPROF_PYROSCOPE_PASSWORD: `${secret}\n${secret}`,
        SPANPROF_PYROSCOPE_TOKN: secret,
        SPANPROF_PYROSCOPE_ENDPOINT: `http://${secret}@host`,
        SPANPROF_LABELS: secret,
        THE_SECRET: secret,
      },
      toml: [
        '[pyroscope]',
        `token = ["${secret}"]`,
        `tokn = "${secret}"`,
        '[cpu]',
        'frequency_hertz = "${THE_SECRET}"',
      ].join('\n'),
    });
    const broken = load({ toml: `[pyroscope]\ntoken = "${secret}" "${secret}"\n` });
    expect(problems.length).toBeGreaterThanOrEqual(12);
    expect(broken.problems).toHaveLength(1);
    expect(formatProblems([...problems, ...broken.problems])).not.toContain('hunter2');
  });
});
