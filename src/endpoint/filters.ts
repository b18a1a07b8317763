/** Label filters: all of them must hold. */
import { filterByLabels } from '../profile/filter.ts';
import type { Labels, Profile } from '../profile/model.ts';
import { Refusal } from './exchange.ts';

export interface LabelFilter {
  readonly key: string;
  /** Undefined: any value. */
  readonly value: string | undefined;
  readonly negated: boolean;
}

/** The filter that a parameter stands for; undefined if it is none. Throws a `Refusal`. */
export function readFilter(name: string, value: string): LabelFilter | undefined {
  if (name === 'trace_id' || name === 'span_id') return withValue(name, value, false);
  if (name === 'label' && value.startsWith('!')) return labelFilter(value.slice(1), true);
  if (name === 'label') return labelFilter(value, false);
  return name === '-label' ? labelFilter(value, true) : undefined;
}

function labelFilter(text: string, negated: boolean): LabelFilter {
  const colon = text.indexOf(':');
  if (colon >= 0) return withValue(text.slice(0, colon), text.slice(colon + 1), negated);
  if (text === '') throw new Refusal(400, 'a label filter is key:value, or a key alone');
  return { key: text, value: undefined, negated };
}

function withValue(key: string, value: string, negated: boolean): LabelFilter {
  if (key === '' || value === '') {
    throw new Refusal(400, 'a label filter is key:value, or a key alone');
  }
  return { key, value, negated };
}

export function applyFilters(profile: Profile, filters: readonly LabelFilter[]): Profile {
  if (filters.length === 0) return profile;
  return filterByLabels(profile, (labels) => filters.every((filter) => holds(filter, labels)));
}

function holds({ key, value, negated }: LabelFilter, labels: Labels): boolean {
  const own = Object.hasOwn(labels, key) ? labels[key] : undefined;
  const found =
    value === undefined ? own !== undefined : own !== undefined && String(own) === value;
  return found !== negated;
}
