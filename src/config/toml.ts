/** Settings from the TOML file, in both its spellings. */
import { OPTION_BY_PATH, snakeCase } from './schema.ts';
import type { Layer, Problems, Setting } from './settings.ts';
import { show } from './show.ts';
import { readTelemetry, TELEMETRY_KEYS } from './telemetry.ts';
import { readTomlFile, type TomlFile } from './toml-file.ts';
import { walkTree } from './tree.ts';
import { expandVariables } from './variables.ts';

interface TomlSettings {
  /** Option paths first, then the `[telemetry.profiling…]` names. */
  readonly layers: readonly Layer[];
  /** Tables for other parts, as written. */
  readonly telemetry: Readonly<Record<string, unknown>>;
}

const NOTHING: TomlSettings = { layers: [], telemetry: {} };

/** Everything the file says; nothing when there is no file or it cannot be read. */
export function tomlSettings(
  env: NodeJS.ProcessEnv,
  cwd: string,
  problems: Problems,
): TomlSettings {
  const file = readTomlFile(env, cwd, problems);
  if (file === undefined) return NOTHING;
  const settingOf = settingMaker(file, env, problems);
  const telemetry = readTelemetry(file, problems);
  const named = telemetry.findings.flatMap(({ key, raw, keys }) => {
    const kind = key.kind ?? OPTION_BY_PATH.get(key.target ?? '')?.option.kind;
    if (kind === undefined) return [];
    return settingOf(keys, raw, { target: key.target, kind, convert: key.convert });
  });
  return {
    layers: [
      { settings: optionPaths(file, settingOf, problems), foreign: false },
      { settings: named, foreign: false },
    ],
    telemetry: telemetry.kept,
  };
}

type SettingMaker = (
  keys: readonly string[],
  raw: unknown,
  rest: Pick<Setting, 'target' | 'kind' | 'convert'>,
) => Setting[];

/** Makes settings with variables replaced; one that lacks a variable becomes a problem instead. */
function settingMaker(file: TomlFile, env: NodeJS.ProcessEnv, problems: Problems): SettingMaker {
  return (keys, raw, rest) => {
    const name = keys.join('.');
    const { value, changed, faults } = expandVariables(raw, env);
    for (const fault of faults) problems.add(name, fault, file.source(keys));
    if (faults.length > 0) return [];
    return [
      {
        ...rest,
        name,
        raw: value,
        // `port = "${PORT}"` can only be written as a string, so it is read as one.
        isText: changed && typeof value === 'string',
        // As written: what the environment put there may be a secret.
        shown: changed ? show(raw) : undefined,
        source: () => file.source(keys),
      },
    ];
  };
}

/** `cpu.frequency_hertz` or `cpu.frequencyHertz`, from the root of the file. */
function optionPaths(
  file: TomlFile,
  settingOf: SettingMaker,
  problems: Problems,
): readonly Setting[] {
  const settings: Setting[] = [];
  const seen = new Set<string>();
  const { telemetry: _, ...root } = file.table;
  walkTree(
    root,
    {
      spell: camelCase,
      write: snakeCase,
      alsoKnown: TELEMETRY_KEYS.map((key) => key.name),
      source: file.source,
      found: (entry, value, keys) => {
        if (seen.has(entry.path)) {
          problems.add(keys.join('.'), `${entry.path} is set twice`, file.source(keys));
          return;
        }
        seen.add(entry.path);
        const { kind } = entry.option;
        settings.push(...settingOf(keys, value, { target: entry.path, kind, convert: undefined }));
      },
    },
    problems,
  );
  return settings;
}

/** `frequency_hertz` → `frequencyHertz`; a key of any other form stays as it is. */
function camelCase(key: string): string {
  if (!/^[a-z0-9]+(_[a-z0-9]+)+$/.test(key)) return key;
  return key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
