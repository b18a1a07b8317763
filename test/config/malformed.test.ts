// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of TOML files
import { expect, test } from 'vitest';
import { formatProblems } from '../../src/config/load.ts';
import { type Given, load } from './workspace.ts';

/** Name → what is given and every line that must come back, in order. */
const cases: Readonly<Record<string, Given & { readonly lines: readonly string[] }>> = {
  'options that are no object': {
    options: 'cpu',
    lines: ['options: expected an object, got "cpu" (option)'],
  },
  'options that are a list': {
    options: [],
    lines: ['options: expected an object, got a list (option)'],
  },
  'options that are null': {
    options: null,
    lines: ['options: expected an object, got null (option)'],
  },
  'options that are a class instance': {
    options: new Map(),
    lines: ['options: expected an object, got an object (option)'],
  },
  'a throwing getter': {
    options: {
      get cpu(): never {
        throw new Error('not today');
      },
    },
    lines: ['options: cannot be read: "not today" (option)'],
  },
  'an unknown option': {
    options: { cpu: { frequncyHertz: 100 } },
    lines: ['cpu.frequncyHertz: unknown option; did you mean cpu.frequencyHertz? (option)'],
  },
  'an unknown option with nothing near': {
    options: { zebra: true },
    lines: ['zebra: unknown option (option)'],
  },
  'an option in the wrong case': {
    options: { windowseconds: 10 },
    lines: ['windowseconds: unknown option; did you mean windowSeconds? (option)'],
  },
  'an option outside its group': {
    options: { frequencyHertz: 10 },
    lines: ['frequencyHertz: unknown option; did you mean cpu.frequencyHertz? (option)'],
  },
  'an option without its unit': {
    options: { heap: { interval: 4096 } },
    lines: ['heap.interval: unknown option; did you mean heap.intervalBytes? (option)'],
  },
  'a dotted option': {
    options: { 'cpu.wall': true },
    lines: ['cpu.wall: unknown option (option)'],
  },
  'a group switched like an option': {
    options: { cpu: false },
    lines: [
      'cpu: expected a group of options (enabled, frequencyHertz, wall), got false; did you mean cpu.enabled? (option)',
    ],
  },
  'a group that is a number': {
    options: { attribution: 3 },
    lines: [
      'attribution: expected a group of options (cpu, bytes, maxSwitchesPerSecond, budgetPercent), got 3 (option)',
    ],
  },
  'a prototype key': {
    options: JSON.parse('{"__proto__":{"enabled":false},"constructor":{"a":1}}'),
    lines: ['__proto__: unknown option (option)', 'constructor: unknown option (option)'],
  },
  'a rate out of range': {
    options: { cpu: { frequencyHertz: 5000 } },
    lines: [
      'cpu.frequencyHertz: expected a whole number of hertz from 1 to 1000, got 5000 (option)',
    ],
  },
  'a rate of zero': {
    options: { cpu: { frequencyHertz: 0 } },
    lines: ['cpu.frequencyHertz: expected a whole number of hertz from 1 to 1000, got 0 (option)'],
  },
  'NaN, Infinity, a fraction and a bigint': {
    options: {
      windowSeconds: Number.NaN,
      cpu: { frequencyHertz: Number.POSITIVE_INFINITY },
      heap: { intervalBytes: 4096.5 },
      file: { maxFiles: 10n },
    },
    lines: [
      'windowSeconds: expected a whole number of seconds from 1 to 3600, got NaN (option)',
      'cpu.frequencyHertz: expected a whole number of hertz from 1 to 1000, got Infinity (option)',
      'heap.intervalBytes: expected a whole number of bytes from 1024 to 1073741824, got 4096.5 (option)',
      'file.maxFiles: expected a whole number of files from 1 to 1000000, got 10n (option)',
    ],
  },
  'a number as text in code': {
    options: { windowSeconds: '60' },
    lines: ['windowSeconds: expected a whole number of seconds from 1 to 3600, got "60" (option)'],
  },
  'a switch that is a word': {
    options: { heap: { enabled: 'on' } },
    lines: ['heap.enabled: expected true or false, got "on" (option)'],
  },
  'a choice that is none': {
    options: { attribution: { cpu: 'precise' } },
    lines: ['attribution.cpu: expected one of exact, sampled, off, got "precise" (option)'],
  },
  'exporters that are no list': {
    options: { exporters: 'file' },
    lines: ['exporters: expected a list of file, pyroscope, gcp, got "file" (option)'],
  },
  'an exporter nobody knows': {
    options: { exporters: ['file', 'pyrscope'] },
    lines: ['exporters: expected a list of file, pyroscope, gcp, got "pyrscope" in it (option)'],
  },
  'the exporter pyroscope without an endpoint': {
    options: { exporters: ['pyroscope'] },
    lines: [
      'pyroscope.endpoint: the exporter pyroscope needs it; expected an http or https URL without user and password (option)',
    ],
  },
  'an endpoint that is no URL': {
    options: { exporters: ['pyroscope'], pyroscope: { endpoint: 'localhost:4040' } },
    lines: [
      'pyroscope.endpoint: expected an http or https URL without user and password, got "localhost:4040" (option)',
    ],
  },
  'an endpoint with credentials': {
    options: { pyroscope: { endpoint: 'https://ann:hunter2@example.com/p' } },
    lines: [
      'pyroscope.endpoint: expected an http or https URL without user and password, got "https://***@example.com/p" (option)',
    ],
  },
  'a token that is no string': {
    options: { pyroscope: { token: 123456789 }, endpoint: { token: '' } },
    lines: [
      'pyroscope.token: expected a string of 1 to 4096 characters, got a number (option)',
      'endpoint.token: expected a string of 1 to 4096 characters, got an empty string (option)',
    ],
  },
  'a token with a line break': {
    options: { pyroscope: { token: 'abc\r\nX-Evil: 1' } },
    lines: ['pyroscope.token: must not contain control characters (option)'],
  },
  'a service name that is too long': {
    options: { serviceName: 's'.repeat(129) },
    lines: [
      `serviceName: expected a string of 1 to 128 characters, got "${'s'.repeat(60)}…" (option)`,
    ],
  },
  'a directory that is a function': {
    options: { file: { directory: () => '/tmp' } },
    lines: ['file.directory: expected a path, got a function (option)'],
  },
  'labels with a bad name or value': {
    options: { labels: { 'pprof::thread': 'x' } },
    env: { SPANPROF_LABELS: `long=${'v'.repeat(257)}` },
    toml: 'labels = { fraction = 1.5 }',
    lines: [
      'labels: label pprof::thread: the name is reserved (option)',
      'labels: label long: a value has at most 256 characters, got 257 (environment SPANPROF_LABELS)',
      'labels: label fraction: expected a string or a whole number, got 1.5 (file ./spanprof.toml:1)',
    ],
  },
  'too many labels': {
    options: { labels: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, i])) },
    lines: ['labels: at most 32 labels, got 33 (option)'],
  },
  'too many labels together': {
    options: { labels: Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`k${i}`, i])) },
    env: { SPANPROF_LABELS: 'k1=a,one_more=b' },
    lines: ['labels: at most 32 labels, got 33 (all sources together)'],
  },
  'a label pair without a name': {
    env: { SPANPROF_LABELS: 'team=search,s3cret' },
    lines: ['labels: pair 2 is not of the form name=value (environment SPANPROF_LABELS)'],
  },
  'resource attributes with broken percent-encoding': {
    env: { OTEL_RESOURCE_ATTRIBUTES: 'team=100%' },
    lines: [
      'labels: the value of team is not correctly percent-encoded (environment OTEL_RESOURCE_ATTRIBUTES)',
    ],
  },
  'an unknown variable': {
    env: { SPANPROF_WINDOW_SECOND: '30' },
    lines: [
      'SPANPROF_WINDOW_SECOND: unknown variable; did you mean SPANPROF_WINDOW_SECONDS? (environment SPANPROF_WINDOW_SECOND)',
    ],
  },
  'unknown variables lengthened, shortened and far off': {
    env: { SPANPROF_CPU_ENABLED: '1', SPANPROF_FREQUENCY: '10', SPANPROF_ZEBRA: '1' },
    lines: [
      'SPANPROF_CPU_ENABLED: unknown variable; did you mean SPANPROF_CPU? (environment SPANPROF_CPU_ENABLED)',
      'SPANPROF_FREQUENCY: unknown variable; did you mean SPANPROF_CPU_FREQUENCY_HERTZ? (environment SPANPROF_FREQUENCY)',
      'SPANPROF_ZEBRA: unknown variable (environment SPANPROF_ZEBRA)',
    ],
  },
  'numbers with a unit, in hex, with an exponent': {
    env: {
      SPANPROF_WINDOW_SECONDS: '10s',
      SPANPROF_CPU_FREQUENCY_HERTZ: '0x10',
      SPANPROF_HEAP_INTERVAL_BYTES: '1e5',
    },
    lines: [
      'windowSeconds: expected a whole number of seconds from 1 to 3600, got "10s" (environment SPANPROF_WINDOW_SECONDS)',
      'cpu.frequencyHertz: expected a whole number of hertz from 1 to 1000, got "0x10" (environment SPANPROF_CPU_FREQUENCY_HERTZ)',
      'heap.intervalBytes: expected a whole number of bytes from 1024 to 1073741824, got "1e5" (environment SPANPROF_HEAP_INTERVAL_BYTES)',
    ],
  },
  'a switch in the environment that is none': {
    env: { SPANPROF_ENABLED: 'nope' },
    lines: ['enabled: expected true or false, got "nope" (environment SPANPROF_ENABLED)'],
  },
  'a foreign variable that does not fit': {
    env: { PYROSCOPE_SERVER_ADDRESS: 'ftp://pyroscope' },
    lines: [
      'pyroscope.endpoint: expected an http or https URL without user and password, got "ftp://pyroscope" (environment PYROSCOPE_SERVER_ADDRESS)',
    ],
  },
  'a named file that is not there': {
    env: { SPANPROF_CONFIG: 'nowhere.toml' },
    lines: ['config file: cannot read "nowhere.toml": no such file (environment SPANPROF_CONFIG)'],
  },
  'a named file that is a directory': {
    env: { SPANPROF_CONFIG: '.' },
    lines: ['config file: cannot read ".": not a regular file (environment SPANPROF_CONFIG)'],
  },
  'a file that is too large': {
    toml: `# ${'x'.repeat(256 * 1024)}`,
    lines: [
      'config file: cannot read "./spanprof.toml": larger than 262144 bytes (file ./spanprof.toml)',
    ],
  },
  'a file that is not UTF-8': {
    toml: Uint8Array.of(0x61, 0x3d, 0x22, 0xff, 0xfe, 0x22),
    lines: ['config file: cannot read "./spanprof.toml": not UTF-8 (file ./spanprof.toml)'],
  },
  'a file that is not TOML': {
    toml: 'window_seconds = 30\n\n[pyroscope]\ntoken = hunter2\n',
    lines: ['config file: not valid TOML: invalid value (column 9) (file ./spanprof.toml:4)'],
  },
  'a key twice in the file': {
    toml: '[cpu]\nwall = true\nwall = false\n',
    lines: [
      'config file: not valid TOML: trying to redefine an already defined table or value (column 1) (file ./spanprof.toml:3)',
    ],
  },
  'a key twice in two spellings': {
    toml: 'window_seconds = 30\nwindowSeconds = 40\n',
    lines: ['windowSeconds: windowSeconds is set twice (file ./spanprof.toml:2)'],
  },
  'unknown keys and tables in the file': {
    toml: '# a comment\n[cpu]\nfrequency = 100\n\n[heep]\nenabled = true\n',
    lines: [
      'cpu.frequency: unknown option; did you mean cpu.frequency_hertz? (file ./spanprof.toml:3)',
      'heep: unknown option; did you mean heap? (file ./spanprof.toml:5)',
    ],
  },
  'a prototype key in the file': {
    toml: '[__proto__]\nenabled = false\n[cpu.__proto__]\nwall = true\n',
    lines: [
      '__proto__: unknown option (file ./spanprof.toml:1)',
      'cpu.__proto__: unknown option (file ./spanprof.toml:3)',
    ],
  },
  'values of the wrong type in the file': {
    toml: 'service_name = 3\nwindow_seconds = "30"\nenabled = 2026-01-01\n[heap]\nlabels = ["a"]\n',
    lines: [
      'service_name: expected a string of 1 to 128 characters, got 3 (file ./spanprof.toml:1)',
      'window_seconds: expected a whole number of seconds from 1 to 3600, got "30" (file ./spanprof.toml:2)',
      'enabled: expected true or false, got a date (file ./spanprof.toml:3)',
      'heap.labels: expected true or false, got a list (file ./spanprof.toml:5)',
    ],
  },
  'a missing variable': {
    toml: '[pyroscope]\nendpoint = "http://localhost"\n\ntoken = "${NO_SUCH_TOKEN}"\n',
    lines: ['pyroscope.token: variable NO_SUCH_TOKEN is not set (file ./spanprof.toml:4)'],
  },
  'a placeholder that names nothing': {
    toml: 'service_name = "a-${b-c}"\n',
    lines: ['service_name: "${b-c}" does not name a variable (file ./spanprof.toml:1)'],
  },
  'a variable whose text does not fit': {
    env: { SOME_PORT: 'hunter2' },
    toml: '[endpoint]\nport = "${SOME_PORT}"\n',
    lines: [
      'endpoint.port: expected a whole number from 0 to 65535, got "${SOME_PORT}" (file ./spanprof.toml:2)',
    ],
  },
  'a rate out of range by its telemetry name': {
    toml: '[telemetry.profiling.cpu]\nenabled = true\nfrequency = 2000 # Hz\n',
    lines: [
      'telemetry.profiling.cpu.frequency: expected a whole number of hertz from 1 to 1000, got 2000 (file ./spanprof.toml:3)',
    ],
  },
  'an exporter type that is none': {
    toml: '[telemetry.profiling.exporter]\ntype = "pyro"\n',
    lines: [
      'telemetry.profiling.exporter.type: expected one of pyroscope, gcp, file, got "pyro" (file ./spanprof.toml:2)',
    ],
  },
  'unknown telemetry names': {
    toml: '[telemetry.traicing]\nenabled = true\n[telemetry.profiling.memory]\nsample_rate = 100\n',
    lines: [
      'telemetry.traicing: unknown option; did you mean telemetry.tracing? (file ./spanprof.toml:1)',
      'telemetry.profiling.memory.sample_rate: unknown option; did you mean telemetry.profiling.memory.sampling_rate? (file ./spanprof.toml:4)',
    ],
  },
  'telemetry that is no table': {
    toml: 'telemetry = true\n',
    lines: ['telemetry: expected a table, got true (file ./spanprof.toml:1)'],
  },
  'kept tables that are none': {
    toml: '[telemetry]\ntracing = "on"\nlogging = "info"\nprofiling = 1\n',
    lines: [
      'telemetry.tracing: expected a table, got "on" (file ./spanprof.toml:2)',
      'telemetry.logging: expected true, false or a table, got "info" (file ./spanprof.toml:3)',
      'telemetry.profiling: expected a table, got 1 (file ./spanprof.toml:4)',
    ],
  },
  'names with odd characters stay on one line': {
    options: { 'a\nb': 1 },
    lines: ['"a\\nb": unknown option (option)'],
  },
};

test.each(Object.entries(cases))('%s', (_, { lines, ...given }) => {
  const { config, problems } = load(given);
  expect(formatProblems(problems).split('\n')).toEqual(lines.map((line) => `  ${line}`));
  expect(config.enabled).toBe(false);
  expect(config.windowSeconds).toBe(60);
});

test('at least thirty of them', () => {
  expect(Object.keys(cases).length).toBeGreaterThanOrEqual(30);
});
