/** Settings from environment variables: our own, and those of other programs that we honour. */
import { readLabelText } from './labels.ts';
import { nearestPath } from './near.ts';
import { OPTION_BY_PATH, OPTIONS, type OptionEntry } from './schema.ts';
import type { Layer, Problems, Setting } from './settings.ts';

const PREFIX = 'SPANPROF_';
/** Where the TOML file is; the one variable that sets no option. */
export const CONFIG_VARIABLE = 'SPANPROF_CONFIG';
const RESOURCE_ATTRIBUTES = 'OTEL_RESOURCE_ATTRIBUTES';
/** Set on every machine at Google, for all programs: it names a project, it does not ask for profiles. */
const AMBIENT_VARIABLES: ReadonlySet<string> = new Set(['GOOGLE_CLOUD_PROJECT']);

/** The variable's text without space around it; an empty one counts as not set. */
export function readVariable(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === '' ? undefined : text;
}

export const variableSource = (name: string): string => `environment ${name}`;

/** `SPANPROF_*`; unknown ones are problems. */
export function ownVariables(env: NodeJS.ProcessEnv, problems: Problems): Layer {
  const settings: Setting[] = [];
  for (const entry of OPTIONS) {
    const text = readVariable(env, entry.variable);
    if (text !== undefined) settings.push(settingOf(entry, entry.variable, text));
  }
  const known = new Set([...OPTIONS.map((entry) => entry.variable), CONFIG_VARIABLE]);
  for (const name of Object.keys(env)) {
    if (!name.startsWith(PREFIX) || known.has(name)) continue;
    if (readVariable(env, name) === undefined) continue;
    const stems = [...known].map((variable) => variable.slice(PREFIX.length));
    const near = nearestPath(name.slice(PREFIX.length), stems);
    const hint = near === undefined ? '' : `; did you mean ${PREFIX}${near}?`;
    problems.add(name, `unknown variable${hint}`, variableSource(name));
  }
  return { settings, foreign: false };
}

/** Variables of OpenTelemetry, Pyroscope and Google Cloud, in the order the schema honours them. */
export function honouredVariables(env: NodeJS.ProcessEnv, problems: Problems): Layer {
  const attributes = resourceAttributes(env, problems);
  const settings: Setting[] = [];
  for (const entry of OPTIONS) {
    for (const name of entry.option.honours ?? []) {
      if (name === RESOURCE_ATTRIBUTES) {
        settings.push(...attributes.filter((setting) => setting.target === entry.path));
        continue;
      }
      const text = readVariable(env, name);
      if (text !== undefined) settings.push(settingOf(entry, name, text));
    }
  }
  return { settings, foreign: true };
}

function settingOf(entry: OptionEntry, variable: string, text: string): Setting {
  return {
    name: entry.path,
    target: entry.path,
    kind: entry.option.kind,
    raw: text,
    isText: true,
    ambient: AMBIENT_VARIABLES.has(variable),
    source: () => variableSource(variable),
  };
}

/** `service.name` sets `serviceName`, every other resource attribute is a label. */
function resourceAttributes(env: NodeJS.ProcessEnv, problems: Problems): Setting[] {
  const text = readVariable(env, RESOURCE_ATTRIBUTES);
  if (text === undefined) return [];
  const source = () => variableSource(RESOURCE_ATTRIBUTES);
  const reading = readLabelText(text, true);
  if ('fault' in reading) {
    problems.add('labels', reading.fault ?? 'not of the form name=value', source());
    return [];
  }
  const { 'service.name': serviceName, ...labels } = reading.value;
  return (
    [
      ['labels', labels],
      ['serviceName', serviceName === '' ? undefined : serviceName],
    ] as const
  ).flatMap(([path, raw]) => {
    const entry = OPTION_BY_PATH.get(path);
    if (entry === undefined || raw === undefined) return [];
    return [{ name: path, target: path, kind: entry.option.kind, raw, isText: false, source }];
  });
}
