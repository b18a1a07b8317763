/** Nested objects, of a caller or of a TOML file, walked along the schema. */
import { nearestPath } from './near.ts';
import { OPTION_BY_PATH, OPTIONS, type OptionEntry } from './schema.ts';
import type { Problems } from './settings.ts';
import { isPlainObject, show } from './show.ts';

/** `cpu`, `heap`, … */
const GROUPS: ReadonlySet<string> = new Set(
  OPTIONS.filter((entry) => entry.keys.length > 1).map((entry) => entry.keys[0] ?? ''),
);

/** What differs between the sources that are trees. */
export interface TreeRules {
  /** The schema's spelling of a key somebody wrote. */
  readonly spell: (key: string) => string;
  /** The schema's path in this source's spelling, for hints. */
  readonly write: (path: string) => string;
  /** Further paths a hint may name. */
  readonly alsoKnown: readonly string[];
  readonly source: (keys: readonly string[]) => string;
  readonly found: (entry: OptionEntry, value: unknown, keys: readonly string[]) => void;
}

/** Calls `found` for every option in `tree`; whatever is no option becomes a problem. */
export function walkTree(
  tree: Readonly<Record<string, unknown>>,
  rules: TreeRules,
  problems: Problems,
): void {
  const walk = (level: Readonly<Record<string, unknown>>, above: readonly string[]): void => {
    for (const key of Object.keys(level)) {
      const value = level[key];
      if (value === undefined) continue;
      const keys = [...above, key];
      // A dot inside a key is not a step down.
      const path = key.includes('.') ? '' : keys.map(rules.spell).join('.');
      const entry = OPTION_BY_PATH.get(path);
      if (entry !== undefined) {
        rules.found(entry, value, keys);
      } else if (!GROUPS.has(path)) {
        problems.add(keys.join('.'), unknownMessage(keys.join('.'), rules), rules.source(keys));
      } else if (isPlainObject(value)) {
        walk(value, keys);
      } else {
        problems.add(keys.join('.'), groupMessage(path, value, rules), rules.source(keys));
      }
    }
  };
  walk(tree, []);
}

function unknownMessage(name: string, rules: TreeRules): string {
  const known = [...GROUPS, ...OPTIONS.map((entry) => rules.write(entry.path)), ...rules.alsoKnown];
  const near = nearestPath(name, known);
  return near === undefined ? 'unknown option' : `unknown option; did you mean ${near}?`;
}

function groupMessage(group: string, value: unknown, rules: TreeRules): string {
  const names = OPTIONS.filter((entry) => entry.keys[0] === group).map((entry) =>
    rules.write(entry.keys[1] ?? ''),
  );
  const hint =
    typeof value === 'boolean' && names.includes('enabled')
      ? `; did you mean ${group}.enabled?`
      : '';
  return `expected a group of options (${names.join(', ')}), got ${show(value)}${hint}`;
}
