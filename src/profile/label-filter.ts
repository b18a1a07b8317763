import { readLabelCondition } from '../label-condition.ts';
import type { Labels } from './model.ts';

/**
 * A predicate from `agent_name=planner`, `agent_name!=planner`, `agent_name=*` (has it) and
 * `agent_name=` (has it not). Several values of one key: any of them, or none of those refused.
 * Different keys: all of them. `undefined` without conditions; text that is none is passed over.
 */
export function labelFilter(
  conditions: readonly string[],
): ((labels: Labels) => boolean) | undefined {
  if (conditions.length === 0) return undefined;
  const wanted = new Map<string, Set<string>>();
  const refused = new Map<string, Set<string>>();
  for (const text of conditions) {
    const condition = readLabelCondition(text);
    if (condition === undefined) continue;
    const { key, value, isNegated } = condition;
    const byKey = isNegated ? refused : wanted;
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
