/**
 * The second spelling of a TOML file: the `[telemetry.profiling…]` tables of a whole-system
 * telemetry document, which also holds tables for tracing, metrics and logging. Those are kept.
 */
import { choice, flag, integer, type Kind } from './kinds.ts';
import { nearestPath } from './near.ts';
import type { Problems } from './settings.ts';
import { isPlainObject, show } from './show.ts';
import type { TomlFile } from './toml-file.ts';

/** One key of the document and what it means here. */
export interface TelemetryKey {
  readonly name: string;
  /** Path of the option it sets; `undefined`: accepted, sets nothing. */
  readonly target: string | undefined;
  /** Where it is not the kind of the target. */
  readonly kind?: Kind<unknown>;
  readonly convert?: (value: unknown) => unknown;
  readonly doc: string;
  readonly example: unknown;
}

/** What `sampling_rate = 1` stands for: the usual rate, 100, is then our usual interval of 512 KiB. */
const BYTES_PER_SAMPLING_RATE = (512 * 1024) / 100;
/** The rate that gives the longest interval the schema allows, 1 GiB. */
const MAX_SAMPLING_RATE = 204_800;

/** A key that is another name of one option. */
const alias = (name: string, target: string, example: unknown, doc: string): TelemetryKey => ({
  name,
  target,
  example,
  doc,
});

const EITHER = 'The option is off when either key is `false`.';

/** Every key with a meaning, in the order of the document. */
export const TELEMETRY_KEYS: readonly TelemetryKey[] = [
  alias('telemetry.enabled', 'enabled', true, `The master switch. ${EITHER}`),
  alias('telemetry.profiling.enabled', 'enabled', true, EITHER),
  alias('telemetry.profiling.cpu.enabled', 'cpu.enabled', true, EITHER),
  alias('telemetry.profiling.cpu.frequency', 'cpu.frequencyHertz', 100, 'Hertz in both.'),
  alias(
    'telemetry.profiling.cpu.continuous',
    'cpu.enabled',
    true,
    `\`false\` asks for profiles on demand only, so no CPU window runs by itself. ${EITHER}`,
  ),
  alias(
    'telemetry.profiling.cpu.duration_seconds',
    'windowSeconds',
    30,
    'Heap windows have the same length.',
  ),
  alias('telemetry.profiling.memory.enabled', 'heap.enabled', true, 'The sampled heap profile.'),
  alias(
    'telemetry.profiling.memory.track_allocations',
    'heap.allocs',
    false,
    '`false` leaves out the profile of allocations; the one of memory in use stays.',
  ),
  {
    name: 'telemetry.profiling.memory.sampling_rate',
    target: 'heap.intervalBytes',
    kind: integer({ from: 1, to: MAX_SAMPLING_RATE }),
    convert: (rate) => Math.round(Number(rate) * BYTES_PER_SAMPLING_RATE),
    example: 100,
    doc: 'V8 samples by bytes, not by allocations, so the rate is scaled: 100 is 524,288 bytes, 1,000 is ten times that, at a tenth of the cost.',
  },
  {
    name: 'telemetry.profiling.memory.heap_profiling',
    target: undefined,
    kind: flag(),
    example: false,
    doc: 'Sets nothing: it asks for a record of every allocation, which spanprof never makes. The sampled heap profile goes by `memory.enabled`.',
  },
  {
    name: 'telemetry.profiling.exporter.type',
    target: 'exporters',
    kind: choice('pyroscope', 'gcp', 'file'),
    convert: (type) => [type],
    example: 'pyroscope',
    doc: 'The one exporter.',
  },
  alias(
    'telemetry.profiling.exporter.pyroscope_endpoint',
    'pyroscope.endpoint',
    'http://localhost:4040',
    'The same.',
  ),
  alias('telemetry.profiling.exporter.application_name', 'serviceName', 'checkout', 'The same.'),
  alias('telemetry.profiling.exporter.gcp_project_id', 'gcp.projectId', 'my-project', 'The same.'),
  alias(
    'telemetry.profiling.exporter.gcp_service_name',
    'serviceName',
    'checkout',
    'Beside `application_name`, it wins when `type` is `gcp`.',
  ),
  alias(
    'telemetry.profiling.exporter.file_output_dir',
    'file.directory',
    './profiles',
    'The same.',
  ),
];

/** Tables kept as written for the parts that trace, meter and log. */
export const KEPT_TABLES = ['telemetry.logging', 'telemetry.tracing', 'telemetry.metrics'] as const;

const KEY_BY_NAME = new Map(TELEMETRY_KEYS.map((key) => [key.name, key]));

/** The tables those keys stand in: `telemetry`, `telemetry.profiling`, … */
const TABLES: ReadonlySet<string> = new Set(
  TELEMETRY_KEYS.flatMap(({ name }) => {
    const keys = name.split('.');
    return keys.slice(1).map((_, index) => keys.slice(0, index + 1).join('.'));
  }),
);

/** One key that was found, its value as written. */
export interface TelemetryFinding {
  readonly key: TelemetryKey;
  readonly raw: unknown;
  readonly keys: readonly string[];
}

interface Telemetry {
  /** In order of precedence. */
  readonly findings: readonly TelemetryFinding[];
  /** The kept tables by their last name, as written, `${…}` included. */
  readonly kept: Readonly<Record<string, unknown>>;
}

/** Sorts the `telemetry` table into what sets options, what is kept and what is a problem. */
export function readTelemetry(file: TomlFile, problems: Problems): Telemetry {
  const findings: TelemetryFinding[] = [];
  const kept: Record<string, unknown> = {};
  const walk = (raw: unknown, keys: readonly string[]): void => {
    const name = keys.join('.');
    const key = KEY_BY_NAME.get(name);
    const mayBeFlag = name === 'telemetry.logging';
    if (key !== undefined) {
      findings.push({ key, raw, keys });
    } else if (KEPT_TABLES.some((table) => table === name)) {
      if (isPlainObject(raw) || (mayBeFlag && typeof raw === 'boolean')) {
        kept[keys.at(-1) ?? ''] = raw;
      } else {
        const expected = mayBeFlag ? 'true, false or a table' : 'a table';
        problems.add(name, `expected ${expected}, got ${show(raw)}`, file.source(keys));
      }
    } else if (!TABLES.has(name)) {
      const near = nearestPath(name, [...TABLES, ...KEPT_TABLES, ...KEY_BY_NAME.keys()]);
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      problems.add(name, `unknown option${hint}`, file.source(keys));
    } else if (isPlainObject(raw)) {
      for (const [inner, value] of Object.entries(raw)) walk(value, [...keys, inner]);
    } else {
      problems.add(name, `expected a table, got ${show(raw)}`, file.source(keys));
    }
  };
  walk(file.table['telemetry'] ?? {}, ['telemetry']);
  return { findings: byPrecedence(findings), kept };
}

/** Two keys name the service; the one that belongs to the chosen exporter goes first and wins. */
function byPrecedence(findings: readonly TelemetryFinding[]): readonly TelemetryFinding[] {
  const isGcp = findings.some(({ key, raw }) => key.target === 'exporters' && raw === 'gcp');
  const rank = ({ key }: TelemetryFinding): number => {
    if (key.target !== 'serviceName') return 1;
    return key.name.endsWith('.gcp_service_name') === isGcp ? 0 : 2;
  };
  return [...findings].sort((a, b) => rank(a) - rank(b));
}
