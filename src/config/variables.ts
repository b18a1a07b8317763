/** `${NAME}` and `${NAME:-default}` in the strings of a TOML file. */
import { readVariable } from './environment.ts';
import { show } from './show.ts';

const PLACEHOLDER = /\$\{([^}]*)\}/g;
const NAME_AND_DEFAULT = /^([A-Za-z_]\w*)(?::-(.*))?$/s;

export interface Expanded {
  readonly value: unknown;
  /** Whether anything was replaced. */
  readonly changed: boolean;
  /** What could not be replaced, in words. */
  readonly faults: readonly string[];
}

/** `value` with every placeholder replaced, in strings, lists and tables; other values stay. */
export function expandVariables(value: unknown, env: NodeJS.ProcessEnv): Expanded {
  const faults: string[] = [];
  let changed = false;
  const expandText = (text: string): string =>
    text.replace(PLACEHOLDER, (placeholder: string, inside: string) => {
      changed = true;
      const [, name, fallback] = NAME_AND_DEFAULT.exec(inside) ?? [];
      if (name === undefined) {
        faults.push(`${show(placeholder)} does not name a variable`);
        return placeholder;
      }
      const replacement = readVariable(env, name) ?? fallback;
      if (replacement === undefined) faults.push(`variable ${name} is not set`);
      return replacement ?? placeholder;
    });
  const expand = (part: unknown): unknown => {
    if (typeof part === 'string') return expandText(part);
    if (Array.isArray(part)) return part.map(expand);
    if (typeof part !== 'object' || part === null || part instanceof Date) return part;
    const copy: Record<string, unknown> = Object.create(null);
    for (const [key, inner] of Object.entries(part)) copy[key] = expand(inner);
    return copy;
  };
  const expanded = expand(value);
  return { value: expanded, changed, faults };
}
