/** From options, environment and TOML file to one frozen configuration, or to everything wrong with them. */
import type { Problem } from '../errors.ts';
import { honouredVariables, ownVariables, readVariable } from './environment.ts';
import type { Reading } from './kinds.ts';
import {
  type Config,
  type ExporterName,
  OPTION_BY_PATH,
  OPTIONS,
  type Options,
  SCHEMA,
} from './schema.ts';
import { packageName } from './service-name.ts';
import { type Layer, Problems, type Setting } from './settings.ts';
import { isPlainObject, show } from './show.ts';
import { tomlSettings } from './toml.ts';
import { walkTree } from './tree.ts';

export interface ConfigInput {
  readonly options?: Options | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Absolute path; relative paths and the search for files start here. */
  readonly cwd: string;
}

export interface LoadedConfig {
  /** With problems: the defaults, with `enabled: false`. */
  readonly config: Config;
  readonly problems: readonly Problem[];
}

/**
 * Reads all sources and checks all of them, also values that a higher source overrides. Never throws.
 * A process switched off in code or by `SPANPROF_ENABLED` gets the defaults with `enabled: false`,
 * and nothing else is read.
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  try {
    if (isSwitchedOff(input)) return { config: disabledConfig(input.cwd), problems: [] };
    return load(input);
  } catch (error) {
    // A getter or a proxy among the options threw; nothing of ours does.
    const message = `cannot be read: ${show(error instanceof Error ? error.message : error)}`;
    const problems = [{ option: 'options', message, source: 'option' }];
    return { config: disabledConfig(input.cwd), problems };
  }
}

/** One line for each problem, ready to follow a line that says what they are. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems.map((one) => `  ${one.option}: ${one.message} (${one.source})`).join('\n');
}

function isSwitchedOff({ options, env }: ConfigInput): boolean {
  const inCode = isPlainObject(options) ? options['enabled'] : undefined;
  if (inCode !== undefined) return inCode === false;
  const text = readVariable(env, 'SPANPROF_ENABLED');
  const reading = text === undefined ? undefined : SCHEMA.enabled.kind.readText(text, '');
  return reading !== undefined && 'value' in reading && !reading.value;
}

/** A value with the setting it came from; without one it is a default. */
interface Chosen {
  readonly value: unknown;
  readonly setting: Setting;
  readonly layer: Layer;
}

function load({ options: given, env, cwd }: ConfigInput): LoadedConfig {
  const problems = new Problems();
  const options = optionSettings(given, problems);
  const own = ownVariables(env, problems);
  const honoured = honouredVariables(env, problems);
  const toml = tomlSettings(env, cwd, problems);
  const layers = [options, own, honoured, ...toml.layers];
  const chosen = choose(layers, cwd, problems);
  const exporters = chosen.get('exporters');
  if (exporters !== undefined) checkExporters(exporters, chosen, problems);
  if (problems.count > 0) return { config: disabledConfig(cwd), problems: problems.list() };

  const values = new Map([...chosen].map(([path, { value }]) => [path, value]));
  if (exporters === undefined) values.set('exporters', impliedExporters(chosen));
  if (!values.has('serviceName')) {
    const reading = SCHEMA.serviceName.kind.read(packageName(cwd), cwd);
    if ('value' in reading) values.set('serviceName', reading.value);
  }
  return { config: configOf(values, toml.telemetry, cwd), problems: [] };
}

function optionSettings(options: unknown, problems: Problems): Layer {
  const settings: Setting[] = [];
  const source = () => 'option';
  if (isPlainObject(options)) {
    walkTree(
      options,
      {
        spell: (key) => key,
        write: (path) => path,
        alsoKnown: [],
        source,
        found: ({ path, option }, raw) => {
          settings.push({
            name: path,
            target: path,
            kind: option.kind,
            raw,
            isText: false,
            source,
          });
        },
      },
      problems,
    );
  } else if (options !== undefined) {
    problems.add('options', `expected an object, got ${show(options)}`, source());
  }
  return { settings, foreign: false };
}

/** Reads every setting, highest layer first, and keeps for each option the value that counts. */
function choose(
  layers: readonly Layer[],
  cwd: string,
  problems: Problems,
): ReadonlyMap<string, Chosen> {
  const chosen = new Map<string, Chosen>();
  for (const layer of layers) {
    for (const setting of layer.settings) {
      const target = setting.target ?? '';
      const higher = chosen.get(target);
      const isJoined = target === 'labels';
      if (layer.foreign && higher !== undefined && !isJoined) continue;
      const value = read(setting, cwd, problems);
      if (value === undefined || setting.target === undefined) continue;
      if (higher === undefined) {
        chosen.set(target, { value, setting, layer });
      } else if (isJoined) {
        const all = joined(higher.value, value);
        const reading = setting.kind.read(all, cwd);
        // Each list was within bounds; all together may not be.
        if ('value' in reading) chosen.set(target, { ...higher, value: all });
        else problems.add(target, reading.fault ?? 'too many', 'all sources together');
      } else if (higher.layer === layer && value === false) {
        chosen.set(target, { value, setting, layer });
      }
    }
  }
  return chosen;
}

const joined = (higher: unknown, lower: unknown): unknown => ({
  ...(lower as object),
  ...(higher as object),
});

function read(setting: Setting, cwd: string, problems: Problems): unknown {
  const { kind, raw, isText, convert } = setting;
  const reading: Reading<unknown> =
    isText && typeof raw === 'string' ? kind.readText(raw.trim(), cwd) : kind.read(raw, cwd);
  if ('value' in reading) return convert === undefined ? reading.value : convert(reading.value);
  const shown = setting.shown ?? kind.show(raw);
  const message = reading.fault ?? `expected ${kind.expected}, got ${shown}`;
  problems.add(setting.name, message, setting.source());
  return undefined;
}

function impliedExporters(chosen: ReadonlyMap<string, Chosen>): readonly ExporterName[] {
  const implied = OPTIONS.flatMap(({ path, option }) => {
    const given = chosen.get(path);
    return given === undefined || given.setting.ambient ? [] : (option.implies ?? []);
  });
  return implied.length > 0 ? implied : [...(SCHEMA.exporters.fallback ?? [])];
}

function checkExporters(
  exporters: Chosen,
  chosen: ReadonlyMap<string, Chosen>,
  problems: Problems,
): void {
  const names = exporters.value as readonly ExporterName[];
  if (!names.includes('pyroscope') || chosen.has('pyroscope.endpoint')) return;
  // One that was given and refused is not missing.
  if (problems.list().some(({ option }) => /pyroscope[._]endpoint$/.test(option))) return;
  const { expected } = SCHEMA.pyroscope.endpoint.kind;
  problems.add(
    'pyroscope.endpoint',
    `the exporter pyroscope needs it; expected ${expected}`,
    exporters.setting.source(),
  );
}

function disabledConfig(cwd: string): Config {
  return configOf(new Map([['enabled', false]]), {}, cwd);
}

/** Puts values, or defaults where there are none, into the shape of the schema and freezes it. */
function configOf(
  values: ReadonlyMap<string, unknown>,
  telemetry: Readonly<Record<string, unknown>>,
  cwd: string,
): Config {
  const config: Record<string, unknown> = { telemetry };
  for (const { path, keys, option } of OPTION_BY_PATH.values()) {
    const [group, name] = keys;
    const value = values.has(path) ? values.get(path) : defaultOf(option, cwd);
    if (group === undefined) continue;
    if (name === undefined) {
      config[group] = value;
    } else {
      config[group] = { ...(config[group] as object | undefined), [name]: value };
    }
  }
  // The loop above follows the schema from which the type is derived.
  return deepFreeze(config) as unknown as Config;
}

function defaultOf(option: (typeof OPTIONS)[number]['option'], cwd: string): unknown {
  if (option.fallback === undefined) return undefined;
  const reading = option.kind.read(option.fallback, cwd);
  return 'value' in reading ? reading.value : undefined;
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null && !Object.isFrozen(inner)) deepFreeze(inner);
  }
  return Object.freeze(value);
}
