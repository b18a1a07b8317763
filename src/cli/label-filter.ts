import { readLabelCondition } from '../label-condition.ts';
import { labelFilter as filterOf } from '../profile/label-filter.ts';
import type { Labels } from '../profile/model.ts';
import { shown } from './arguments.ts';
import { UsageError } from './exit.ts';

/** The predicate of the options `--label`. Throws a `UsageError` for what is no condition. */
export function labelFilter(filters: readonly string[]): ((labels: Labels) => boolean) | undefined {
  const wrong = filters.find((filter) => readLabelCondition(filter) === undefined);
  if (wrong !== undefined) {
    throw new UsageError(`--label must be KEY=VALUE or KEY!=VALUE, not ${shown(wrong)}`);
  }
  return filterOf(filters);
}
