import type { Labels } from '../profile/model.ts';
import { shown } from './arguments.ts';
import { UsageError } from './exit.ts';

/**
 * A predicate from `agent_name=planner`, `agent_name!=planner`, `agent_name=*` (has it) and
 * `agent_name=` (has it not). Several values of one key: any of them, or none of those refused.
 * Different keys: all of them. `undefined` without filters. Throws a `UsageError` for anything else.
 */
export function labelFilter(filters: readonly string[]): ((labels: Labels) => boolean) | undefined {
  if (filters.length === 0) return undefined;
  const wanted = new Map<string, Set<string>>();
  const refused = new Map<string, Set<string>>();
  for (const filter of filters) {
    const match = /^([^=!]+)(!?)=(.*)$/s.exec(filter);
    if (match === null) {
      throw new UsageError(`--label must be KEY=VALUE or KEY!=VALUE, not ${shown(filter)}`);
    }
    const [, key = '', negation, value = ''] = match;
    const byKey = negation === '!' ? refused : wanted;
    byKey.set(key, (byKey.get(key) ?? new Set()).add(value));
  }
  return (labels) =>
    [...wanted].every(([key, values]) => matches(labels[key], values)) &&
    ![...refused].some(([key, values]) => matches(labels[key], values));
}

function matches(label: string | number | undefined, values: ReadonlySet<string>): boolean {
  if (label === undefined) return values.has('');
  return values.has('*') || values.has(String(label));
}
