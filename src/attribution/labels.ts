/**
 * What a scope may carry as labels. Nothing here throws: a label that cannot be used is left out
 * (or cut) and said once, the application goes on.
 */
import { messageOf } from '../errors.ts';
import type { Labels, LabelValue } from '../profile/model.ts';

/** Labels as users write them: absent values are allowed and ignored. */
export type LabelInput = Readonly<Record<string, LabelValue | null | undefined>>;

/** Back ends take up to 30 labels a series (Pyroscope) and add some of their own. */
export const MAX_LABELS = 16;
export const MAX_KEY_LENGTH = 64;
/** Long enough for any identifier; free text does not belong into labels. */
export const MAX_VALUE_LENGTH = 256;

export const NO_LABELS: Labels = Object.freeze({});

/** Called with one line about a label that was refused or cut. */
export type ReportLabel = (message: string) => void;

/** `parent` with `own` on top, frozen. Own values win. Returns `parent` itself if nothing is added. */
export function mergeLabels(parent: Labels, own: LabelInput, report: ReportLabel): Labels {
  return mergeAtOnce(parent, own) ?? mergeOneByOne(parent, own, report);
}

/**
 * Copies both as a whole, in half the time; undefined where something needs a closer look. Checks the
 * copy: a getter may give another value each time.
 */
function mergeAtOnce(parent: Labels, own: LabelInput): Labels | undefined {
  if (typeof own !== 'object' || own === null) return undefined;
  // What is inherited would not be copied.
  if (Object.getPrototypeOf(own) !== Object.prototype) return undefined;
  const merged = { ...parent, ...own };
  let count = 0;
  let isNew = false;
  for (const key in merged) {
    const value = merged[key];
    if (!isUsable(key, value)) return undefined;
    isNew ||= parent === NO_LABELS || parent[key] !== value;
    count++;
  }
  return isNew && count <= MAX_LABELS ? Object.freeze(merged as Labels) : undefined;
}

/** Without a doubt: `usableValue` gives it as it is, and it can be copied. */
function isUsable(key: string, value: LabelValue | null | undefined): boolean {
  if (value === undefined || value === null || value === '' || key === '__proto__') return false;
  return problemOf(key, value) === undefined;
}

function mergeOneByOne(parent: Labels, own: LabelInput, report: ReportLabel): Labels {
  let merged: Record<string, LabelValue> | undefined;
  let count = 0;
  for (const key in own) {
    const value = usableValue(key, own[key], report);
    if (value === undefined || parent[key] === value) continue;
    if (merged === undefined) {
      merged = { ...parent };
      count = parent === NO_LABELS ? 0 : Object.keys(parent).length;
    }
    if (!(key in merged)) {
      if (count >= MAX_LABELS) {
        report(refused(key, `a scope carries at most ${MAX_LABELS} labels`));
        continue;
      }
      count++;
    }
    merged[key] = value;
  }
  return merged === undefined ? parent : Object.freeze(merged);
}

function usableValue(
  key: string,
  value: LabelValue | null | undefined,
  report: ReportLabel,
): LabelValue | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const problem = problemOf(key, value);
  if (problem === undefined) return value;
  report(refused(key.slice(0, MAX_KEY_LENGTH), problem));
  return problem === TOO_LONG ? String(value).slice(0, MAX_VALUE_LENGTH) : undefined;
}

const TOO_LONG = `values are cut to ${MAX_VALUE_LENGTH} characters`;

/** What is wrong with a label that has a value; undefined: nothing. */
function problemOf(key: string, value: LabelValue): string | undefined {
  if (key.length === 0 || key.length > MAX_KEY_LENGTH)
    return `keys have 1 to ${MAX_KEY_LENGTH} characters`;
  if (key.startsWith('pprof::')) return 'the prefix "pprof::" is reserved';
  if (typeof value === 'string') return value.length > MAX_VALUE_LENGTH ? TOO_LONG : undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return undefined;
  return `expected a string or a safe integer, got ${describe(value)}`;
}

function refused(key: string, reason: string): string {
  return messageOf('LABEL_INVALID', { key: JSON.stringify(key), reason });
}

function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : typeof value;
}
