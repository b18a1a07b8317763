/**
 * Every option spanprof knows, once. Types, defaults, validation, environment variables, TOML names
 * and docs/configuration.md derive from `SCHEMA`; nothing else lists options.
 *
 * To add an option: add a line here, and run `node scripts/generate-docs.mjs` after a build.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bytes, Seconds } from '../units.ts';
import {
  choice,
  conditions,
  decimal,
  flag,
  headers,
  integer,
  type Kind,
  labels,
  listOf,
  names,
  path,
  secret,
  text,
  textList,
  url,
} from './kinds.ts';

export type ExporterName = 'file' | 'pyroscope' | 'gcp';

/** What the schema says of one option. */
export interface Option<Value, Input = Value> {
  readonly kind: Kind<Value, Input>;
  /** Used when no source gives a value; read like a given one, so a path becomes absolute. */
  readonly fallback: Input | undefined;
  /** What the documentation says of the default, where the value alone would not tell. */
  readonly fallbackText?: string;
  readonly doc: string;
  /** A value for the documentation's example, where the default is none. */
  readonly example?: Input;
  /** Name of its variable, where it is not the path in capitals. */
  readonly variable?: string;
  /** Variables of other programs that are honoured, nearest first. */
  readonly honours?: readonly string[];
  /** The exporter somebody wants who sets this option and does not set `exporters`. */
  readonly implies?: ExporterName;
}

type Details<Value, Input> = Omit<Option<Value, Input>, 'kind' | 'fallback'>;

const withDefault = <Value, Input>(
  kind: Kind<Value, Input>,
  fallback: NoInfer<Input>,
  details: Details<Value, Input>,
): Option<Value, Input> => ({ kind, fallback, ...details });

const optional = <Value, Input>(
  kind: Kind<Value, Input>,
  details: Details<Value, Input>,
): Option<Value | undefined, Input> => ({ kind, fallback: undefined, ...details });

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** File names carry the service; most file systems end a name at 255 bytes. */
const MAX_SERVICE_NAME_LENGTH = 128;

/**
 * V8 takes a sample when its sampling thread wakes up and signals ours: its own default is 1 ms, and
 * a sample costs the process 33-40 µs (measured). Above 1 kHz the rate is no longer kept and the
 * profile shows the profiler.
 */
const MAX_FREQUENCY_HERTZ = 1000;

/** A killed process loses at most one window, so an hour is the most one should be ready to lose. */
const MAX_WINDOW_SECONDS = 3600;

/** Below 1 KiB nearly every allocation is a sample; above 1 GiB a window of most programs holds none. */
const HEAP_INTERVAL_BYTES = { from: KIB, to: GIB };

/** As Java's Flight Recorder: 6,500 stacks in a busy minute, whose total is right to 1.3 %. */
const ALLOCS_PER_SECOND = 150;

/** At 40 to 150 ns each, 2 to 7 % of a core: beyond it the budget has nearly always ended it before. */
const MAX_SWITCHES_PER_SECOND = 500_000;

/** Four profile types a minute: four hours in 1,000 files, enough to look back and quick to list. */
const FILE_MAX_FILES = 1000;

/** 1,000 files of 512 KiB; profiles of large services are about that, and no disk minds it. */
const FILE_MAX_BYTES = 512 * MIB;

/** An hour of four profile types a minute at 256 KiB is 60 MiB. */
const SPOOL_MAX_BYTES = 64 * MIB;

/** Pyroscope refuses profiles older than an hour, so keeping them longer helps nobody by default. */
const SPOOL_MAX_AGE_SECONDS = 3600;

const WEEK_SECONDS = 7 * 24 * 3600;

/** Names of the endpoint: a handful are meant; a DNS name ends at 253 characters. */
const MAX_HOSTS = 32;
const MAX_HOST_LENGTH = 253;

/** The bounds of whatever is kept on disk: room for a profile or two, and no more than one volume. */
const DISK_BYTES = { from: MIB, to: 1024 * GIB, unit: 'bytes' };

/** Half of what a profile may be old by at Pyroscope: the other half is for an outage. */
const MAX_INTERVAL_SECONDS = 1800;

/** Which profile types one destination gets. */
const profileTypes = (exporter: ExporterName) =>
  withDefault(listOf('cpu', 'wall', 'heap', 'allocs'), ['cpu', 'wall', 'heap', 'allocs'], {
    fallbackText: 'all of them',
    doc: `The profile types that the exporter \`${exporter}\` gets.`,
  });

/** Which samples it gets. */
const labelFilter = (exporter: ExporterName) =>
  withDefault(conditions(), [], {
    fallbackText: 'every sample',
    doc: `Which samples the exporter \`${exporter}\` gets, by their labels: \`name=value\`, \`name!=value\`, \`name=*\` (has it) or \`name=\` (has it not). Of one name any, of different names all must hold.`,
    example: ['agent_name=planner', 'agent_name=writer'],
  });

/** How often. */
const interval = (
  exporter: ExporterName,
  doc = `Windows of so many seconds go to the exporter \`${exporter}\` as one profile; with 0 every window is one.`,
) =>
  withDefault(integer<Seconds>({ from: 0, to: MAX_INTERVAL_SECONDS, unit: 'seconds' }), 0, { doc });

export const SCHEMA = {
  enabled: withDefault(flag(), true, {
    doc: 'Whether this process is profiled. `false` in code or in the environment makes spanprof inert: no file is read and nothing else is checked.',
  }),
  serviceName: withDefault(text(MAX_SERVICE_NAME_LENGTH), 'unknown_service:node', {
    fallbackText: 'the name in the nearest `package.json`, else `unknown_service:node`',
    doc: 'Name of the service in file names and at every destination.',
    example: 'checkout',
    honours: ['OTEL_SERVICE_NAME', 'OTEL_RESOURCE_ATTRIBUTES', 'PYROSCOPE_APPLICATION_NAME'],
  }),
  labels: withDefault(
    labels(),
    {},
    {
      fallbackText: 'none',
      doc: 'Labels of everything this process exports. Labels of several sources are joined; for the same name the higher source wins. At most 32; a name has 1 to 64 characters, a value at most 256.',
      example: { team: 'search', region: 'eu' },
      honours: ['OTEL_RESOURCE_ATTRIBUTES'],
    },
  ),
  windowSeconds: withDefault(
    integer<Seconds>({ from: 1, to: MAX_WINDOW_SECONDS, unit: 'seconds' }),
    60,
    { doc: 'Length of one profile; the next window begins where it ends.' },
  ),
  cpu: {
    enabled: withDefault(flag(), true, { doc: 'Continuous CPU profiles.' }),
    frequencyHertz: withDefault(integer({ from: 1, to: MAX_FREQUENCY_HERTZ, unit: 'hertz' }), 100, {
      doc: 'CPU and wall samples a second.',
    }),
    wall: withDefault(flag(), true, {
      variable: 'SPANPROF_WALL',
      doc: 'Wall-clock profiles beside the CPU profiles: elapsed time, waiting included.',
    }),
  },
  heap: {
    enabled: withDefault(flag(), true, { doc: 'Continuous heap profiles.' }),
    intervalBytes: withDefault(
      integer<Bytes>({ ...HEAP_INTERVAL_BYTES, unit: 'bytes' }),
      512 * KIB,
      { doc: 'Allocated bytes from one heap sample to the next, on average.' },
    ),
    labels: withDefault(flag(), true, {
      doc: 'Labels of the allocating scope on heap samples.',
    }),
    allocs: withDefault(flag(), true, {
      doc: 'Profiles of what was allocated in a window, beside what is in use at its end.',
    }),
    allocsPerSecond: withDefault(
      integer({ from: 1, to: 100_000, unit: 'stacks a second' }),
      ALLOCS_PER_SECOND,
      {
        doc: 'Bounds what profiles of allocations cost: about so many stacks a second are taken. Where more heap samples come, a random part of them stands for all.',
      },
    ),
  },
  attribution: {
    cpu: withDefault(choice('exact', 'sampled', 'off'), 'exact', {
      doc: 'How CPU time is billed to invocations: measured at every switch, estimated from samples, or not.',
    }),
    bytes: withDefault(choice('sampled', 'exact', 'off'), 'sampled', {
      doc: 'How allocated bytes are billed: estimated from heap samples, measured at every switch, or not. With both `off` there are no bills: scopes and spans carry labels only.',
    }),
    maxSwitchesPerSecond: withDefault(
      integer({ from: 1_000, to: 1_000_000_000, unit: 'switches a second' }),
      MAX_SWITCHES_PER_SECOND,
      {
        doc: 'Callbacks and awaits a second above which exact CPU bills fall back to estimates, whatever they cost.',
      },
    ),
    budgetPercent: withDefault(decimal({ from: 0.1, to: 100, unit: 'percent' }), 3, {
      doc: 'Share of CPU time that exact bills may cost before they fall back to estimates.',
    }),
  },
  exporters: withDefault(listOf('file', 'pyroscope', 'gcp'), ['file'], {
    fallbackText:
      'what `file.directory`, `pyroscope.endpoint` and `gcp.projectId` imply, else `file`',
    doc: 'Where profiles go; `pyroscope` needs `pyroscope.endpoint`. An empty list sends them nowhere.',
    example: ['file', 'pyroscope'],
  }),
  file: {
    directory: withDefault(path(), './profiles', {
      doc: 'Directory for profiles, made when missing; a relative one starts at the working directory.',
      implies: 'file',
    }),
    maxFiles: withDefault(integer({ from: 1, to: 1_000_000, unit: 'files' }), FILE_MAX_FILES, {
      doc: 'Profiles kept in the directory; beyond it the oldest are removed.',
    }),
    maxBytes: withDefault(integer<Bytes>(DISK_BYTES), FILE_MAX_BYTES, {
      doc: 'Bytes of profiles kept in the directory; beyond it the oldest are removed.',
    }),
    types: profileTypes('file'),
    filter: labelFilter('file'),
    intervalSeconds: interval('file'),
  },
  pyroscope: {
    endpoint: optional(url(), {
      doc: 'Base URL of the Pyroscope server.',
      example: 'http://localhost:4040',
      honours: ['PYROSCOPE_SERVER_ADDRESS'],
      implies: 'pyroscope',
    }),
    token: optional(secret(), {
      doc: 'Bearer token for Pyroscope; never shown.',
      example: `\${PYROSCOPE_TOKEN}`,
      honours: ['PYROSCOPE_AUTH_TOKEN'],
    }),
    user: optional(text(), {
      doc: 'User for basic authentication at Pyroscope.',
      example: '12345',
      honours: ['PYROSCOPE_BASIC_AUTH_USER'],
    }),
    password: optional(secret(), {
      doc: 'Password for basic authentication at Pyroscope; never shown.',
      example: `\${PYROSCOPE_PASSWORD}`,
      honours: ['PYROSCOPE_BASIC_AUTH_PASSWORD'],
    }),
    tenant: optional(text(), {
      doc: 'Tenant, sent as `X-Scope-OrgID`.',
      example: 'team-a',
      honours: ['PYROSCOPE_TENANT_ID'],
    }),
    types: profileTypes('pyroscope'),
    filter: labelFilter('pyroscope'),
    intervalSeconds: interval('pyroscope'),
    api: withDefault(choice('push', 'ingest'), 'push', {
      doc: '`push` for Pyroscope 1 and 2; `ingest` for older servers.',
    }),
    seriesLabels: withDefault(names(), ['agent_name', 'tool_name'], {
      doc: 'Labels of samples that Pyroscope gets; each distinct value becomes a series, so no ids. `span_id` and, where the server can take them, `trace_id` are sent in any case and become none.',
    }),
    spanLabel: withDefault(choice('root', 'active'), 'root', {
      doc: 'Which span `span_id` means at Pyroscope: the local root span, as Grafana links traces to profiles, or the span that was active.',
    }),
    caFile: optional(path(), {
      doc: 'PEM file of the certificate authorities to trust for Pyroscope, instead of those of Node.',
      example: '/etc/ssl/company.pem',
    }),
    proxy: optional(url(), {
      fallbackText: '`HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`',
      doc: 'HTTP proxy on the way to Pyroscope.',
      example: 'http://proxy:3128',
    }),
    headers: withDefault(
      headers(),
      {},
      {
        fallbackText: 'none',
        doc: 'Further HTTP headers for Pyroscope; values are never shown.',
        example: { 'x-team': 'search' },
      },
    ),
  },
  gcp: {
    projectId: optional(text(), {
      fallbackText: 'the metadata server',
      doc: 'Google Cloud project the profiles belong to. `GOOGLE_CLOUD_PROJECT` names the project, but alone does not turn the exporter on.',
      example: 'my-project',
      honours: ['GOOGLE_CLOUD_PROJECT'],
      implies: 'gcp',
    }),
    zone: optional(text(), {
      fallbackText: 'the metadata server',
      doc: 'Google Cloud zone this process runs in.',
      example: 'europe-west1-b',
    }),
    mode: withDefault(choice('online', 'offline'), 'online', {
      doc: '`online`: the server says which profile it wants when, a few minutes of each hour. `offline`: every window is sent.',
    }),
    serviceVersion: optional(text(), {
      fallbackText: 'the label `service.version`',
      doc: 'Version of the service; profiles of two versions can be compared.',
      example: '1.4.2',
      honours: ['GAE_VERSION', 'K_REVISION'],
    }),
    endpoint: withDefault(url(), 'https://cloudprofiler.googleapis.com', {
      doc: 'Base URL of the Cloud Profiler API.',
    }),
    caFile: optional(path(), {
      doc: 'PEM file with certificates to be trusted beside those that come with Node.',
      example: '/etc/ssl/proxy.pem',
    }),
    types: profileTypes('gcp'),
    filter: labelFilter('gcp'),
    intervalSeconds: interval(
      'gcp',
      'Windows of so many seconds are sent as one profile in the mode `offline`; with 0 every window is one. In the mode `online` the server says how long and how often.',
    ),
  },
  spool: {
    directory: withDefault(path(), join(tmpdir(), 'spanprof-spool'), {
      fallbackText: '`spanprof-spool` in the temporary directory of the operating system',
      doc: 'Directory for profiles that wait for a destination to come back.',
      example: '/var/spool/spanprof',
    }),
    maxBytes: withDefault(integer<Bytes>(DISK_BYTES), SPOOL_MAX_BYTES, {
      doc: 'Bytes kept in the spool; beyond it the oldest profiles are dropped and counted.',
    }),
    maxAgeSeconds: withDefault(
      integer<Seconds>({ from: 60, to: WEEK_SECONDS, unit: 'seconds' }),
      SPOOL_MAX_AGE_SECONDS,
      { doc: 'Age at which a waiting profile is dropped and counted.' },
    ),
  },
  upload: {
    timeoutSeconds: withDefault(decimal({ from: 0.1, to: 600, unit: 'seconds' }), 15, {
      doc: 'Longest time one attempt to send a profile may take.',
    }),
    firstRetrySeconds: withDefault(decimal({ from: 0.01, to: 600, unit: 'seconds' }), 1, {
      doc: 'Wait after a failed attempt; it doubles with each further one. Half of it is random.',
    }),
    maxRetrySeconds: withDefault(decimal({ from: 0.01, to: 3600, unit: 'seconds' }), 60, {
      doc: 'Longest wait, unless the server asks for more.',
    }),
    exitSeconds: withDefault(decimal({ from: 0, to: 30, unit: 'seconds' }), 1.5, {
      doc: 'Longest time the end of the process may be held up to send its last profiles, by a small program of its own; on a signal at most two seconds. With 0 they wait for the next start.',
    }),
  },
  endpoint: {
    port: optional(integer({ from: 0, to: 65_535 }), {
      fallbackText: 'off',
      doc: 'TCP port of the HTTP endpoint `/debug/pprof/`, 6060 by habit; 0 takes any free one.',
      example: 6060,
    }),
    host: withDefault(text(), '127.0.0.1', { doc: 'Address the endpoint listens at.' }),
    socket: optional(path(), {
      fallbackText: 'off',
      doc: 'Unix socket of the HTTP endpoint.',
      example: '/run/spanprof.sock',
    }),
    token: optional(secret(), {
      doc: 'Bearer token the endpoint asks for; never shown.',
      example: `\${ENDPOINT_TOKEN}`,
    }),
    allowedHosts: withDefault(textList({ maxItems: MAX_HOSTS, maxLength: MAX_HOST_LENGTH }), [], {
      fallbackText: 'none',
      doc: 'Host names under which the endpoint answers, beside addresses, `localhost`, `endpoint.host` and the name of the machine.',
      example: ['profiles.example.com'],
    }),
    showArguments: withDefault(flag(), false, {
      doc: "Whether `/debug/pprof/cmdline` shows the program's arguments, which may hold secrets.",
    }),
  },
  otel: {
    enabled: withDefault(flag(), true, {
      doc: 'Link profiles with OpenTelemetry spans where `@opentelemetry/api` is installed.',
    }),
  },
};

type Resolved<Part> = {
  readonly [Key in keyof Part]: Part[Key] extends Option<infer Value, infer _Input>
    ? Value
    : Resolved<Part[Key]>;
};

type Given<Part> = {
  readonly [Key in keyof Part]?:
    | (Part[Key] extends Option<infer _Value, infer Input> ? Input : Given<Part[Key]>)
    | undefined;
};

/** What a caller may pass: any part of the configuration. `undefined` means not given. */
export interface Options extends Given<typeof SCHEMA> {}

/** The configuration in force: every option has its value; frozen all the way down. */
export interface Config extends Resolved<typeof SCHEMA> {
  /** Tables of a `[telemetry]` document that are kept for later: `tracing`, `metrics`, `logging`, as written. */
  readonly telemetry: Readonly<Record<string, unknown>>;
}

/** One option with the names by which each source knows it. */
export interface OptionEntry {
  /** `cpu.frequencyHertz` */
  readonly path: string;
  readonly keys: readonly string[];
  /** `SPANPROF_CPU_FREQUENCY_HERTZ` */
  readonly variable: string;
  /** `cpu.frequency_hertz` */
  readonly tomlPath: string;
  readonly option: Option<unknown>;
}

/** Every option in the order of the schema. */
export const OPTIONS: readonly OptionEntry[] = Object.entries(SCHEMA).flatMap(([key, part]) =>
  'kind' in part
    ? [entryOf([key], part)]
    : Object.entries(part).map(([name, option]) => entryOf([key, name], option)),
);

/** The same by path. */
export const OPTION_BY_PATH: ReadonlyMap<string, OptionEntry> = new Map(
  OPTIONS.map((entry) => [entry.path, entry]),
);

function entryOf(keys: readonly string[], option: unknown): OptionEntry {
  const described = option as Option<unknown>;
  const tomlPath = snakeCase(keys.join('.'));
  // A switch is named after what it switches: `SPANPROF_HEAP`, not `SPANPROF_HEAP_ENABLED`.
  const stem = keys.length > 1 ? tomlPath.replace(/\.enabled$/, '') : tomlPath;
  return {
    path: keys.join('.'),
    keys,
    tomlPath,
    variable: described.variable ?? `SPANPROF_${stem.replaceAll('.', '_').toUpperCase()}`,
    option: described,
  };
}

export function snakeCase(path: string): string {
  return path.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}
