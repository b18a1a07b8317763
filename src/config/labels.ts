/**
 * Labels of the whole process, from an object or from text such as `team=search,region=eu`.
 * The limits on a key and a value are those of a sample's label (`LABEL_INVALID` in errors.ts).
 */
import { isPlainObject, show, showName } from './show.ts';

export type LabelRecord = Readonly<Record<string, string | number>>;
type LabelReading = { readonly value: LabelRecord } | { readonly fault: string | undefined };

/** Pyroscope takes 30 labels a series, five of them the server's own; an orchestrator's resource attributes fit. */
const MAX_LABELS = 32;
const MAX_KEY_LENGTH = 64;
const MAX_VALUE_LENGTH = 256;
/** Keys that begin so steer `pprof` itself. */
const RESERVED_PREFIX = 'pprof::';

export function readLabels(raw: unknown): LabelReading {
  if (!isPlainObject(raw)) return { fault: undefined };
  const pairs: [string, string | number][] = [];
  for (const key of Object.keys(raw)) {
    const value = raw[key];
    if (value === undefined) continue;
    if (key === '' || key.length > MAX_KEY_LENGTH) {
      return { fault: `label ${showName(key)}: a name has 1 to ${MAX_KEY_LENGTH} characters` };
    }
    if (key.startsWith(RESERVED_PREFIX) || key === '__proto__') {
      return { fault: `label ${showName(key)}: the name is reserved` };
    }
    if (typeof value === 'string' && value.length > MAX_VALUE_LENGTH) {
      return {
        fault: `label ${showName(key)}: a value has at most ${MAX_VALUE_LENGTH} characters, got ${value.length}`,
      };
    }
    if (typeof value !== 'string' && !Number.isSafeInteger(value)) {
      return {
        fault: `label ${showName(key)}: expected a string or a whole number, got ${show(value)}`,
      };
    }
    pairs.push([key, value as string | number]);
  }
  if (pairs.length > MAX_LABELS) {
    return { fault: `at most ${MAX_LABELS} labels, got ${pairs.length}` };
  }
  return { value: Object.fromEntries(pairs) };
}

/** Reads `k=v,k=v`; with `percentDecode`, `%2C` in a key or value is a comma (the form of `OTEL_RESOURCE_ATTRIBUTES`). */
export function readLabelText(text: string, percentDecode: boolean): LabelReading {
  const pairs: [string, string][] = [];
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    const at = part.indexOf('=');
    // The pair itself is not shown: what stands there may be half of somebody's secret.
    if (at < 1) return { fault: `pair ${pairs.length + 1} is not of the form name=value` };
    const key = part.slice(0, at).trim();
    const value = part.slice(at + 1).trim();
    try {
      pairs.push(
        percentDecode ? [decodeURIComponent(key), decodeURIComponent(value)] : [key, value],
      );
    } catch {
      return { fault: `the value of ${showName(key)} is not correctly percent-encoded` };
    }
  }
  return readLabels(Object.fromEntries(pairs));
}
