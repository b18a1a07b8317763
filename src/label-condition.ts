/** A condition on a label: `agent_name=planner` or `agent_name!=planner`. */
export interface LabelCondition {
  readonly key: string;
  readonly value: string;
  readonly isNegated: boolean;
}

const CONDITION = /^([^=!]+)(!?)=(.*)$/s;

/** Undefined for text that is no condition. */
export function readLabelCondition(text: string): LabelCondition | undefined {
  const match = CONDITION.exec(text);
  if (match === null) return undefined;
  const [, key = '', negation, value = ''] = match;
  return { key, value, isNegated: negation === '!' };
}
