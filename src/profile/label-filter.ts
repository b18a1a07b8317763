import type { Labels } from './model.ts';

const CONDITION = /^([^=!]+)(!?)=(.*)$/s;

/** Whether text is a condition that `labelFilter` understands. */
export const isLabelCondition = (text: string): boolean => CONDITION.test(text);

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
  for (const condition of conditions) {
    const match = CONDITION.exec(condition);
    if (match === null) continue;
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
