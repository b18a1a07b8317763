/** Which labels go to Pyroscope, and under which names. */
import type { ProfileType } from '../../profile/model.ts';
import type { LabelRules } from './rewrite.ts';

/**
 * Every text label of a sample becomes a series of its own, except `span_id` and, from 2.1 on,
 * `trace_id`. `root`: samples bear the id of the local root span, the one that Grafana asks for when it
 * goes from a trace to its flamegraph; `active`: that of the span that ran.
 */
export type SpanLabel = 'root' | 'active';

/** Names of the series that the server makes of each profile, `<name>:<type>:<unit>:<period>`. */
const METRIC_NAMES: Readonly<Record<ProfileType, string>> = {
  cpu: 'process_cpu',
  wall: 'wall',
  heap: 'memory',
  allocs: 'memory',
};

/** Limits of the server for labels, at their defaults; names are far shorter here anyway. */
const MAX_VALUE_BYTES = 2048;
/** The server's limit is 30, and it adds up to five of its own. */
const MAX_SERIES_LABELS = 25;

const SPAN_ID = /^[0-9a-f]{16}$/;
const TRACE_ID = /^[0-9a-f]{32}$/;

/** Labels of the series: explicit type, service, and the labels of the whole process. */
export function seriesLabels(
  profileType: ProfileType,
  serviceName: string,
  processLabels: Readonly<Record<string, string | number>>,
  allowed: readonly string[],
): [name: string, value: string][] {
  const labels = new Map([
    ['__name__', METRIC_NAMES[profileType]],
    ['service_name', clean(serviceName)],
  ]);
  const room = MAX_SERIES_LABELS - new Set(allowed.map(labelName)).size;
  for (const [key, value] of Object.entries(processLabels)) {
    const name = labelName(key);
    const text = clean(String(value));
    if (labels.size >= room || text === '' || labels.has(name)) continue;
    labels.set(name, text);
  }
  return [...labels];
}

/** What is left of the labels of samples. */
export function sampleLabels(
  allowed: readonly string[],
  spanLabel: SpanLabel,
  takesTraceIds: boolean,
): LabelRules {
  const identifiers = new Set(['span_id', 'root_span_id', 'trace_id', 'profile_id']);
  const keep = new Map<string, string>();
  for (const key of allowed) if (!identifiers.has(key)) keep.set(key, labelName(key));
  if (spanLabel === 'root') keep.set('root_span_id', 'span_id');
  keep.set('span_id', 'span_id');
  if (takesTraceIds) keep.set('trace_id', 'trace_id');
  return {
    keep,
    maxValueBytes: MAX_VALUE_BYTES,
    accepts: (name, value) => {
      if (name === 'span_id') return SPAN_ID.test(value);
      if (name === 'trace_id') return TRACE_ID.test(value);
      return value !== '';
    },
  };
}

/**
 * A name that all server versions take and show: some refuse dots and other characters, some hide
 * such labels from their menus. Names that begin with two underscores are the server's own.
 */
export function labelName(key: string): string {
  const name = key.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^__+/, '_');
  return /^[0-9]/.test(name) || name === '' ? `_${name}` : name;
}

/** Well-formed UTF-8 within the server's bounds. */
function clean(value: string): string {
  const text = Buffer.from(value).subarray(0, MAX_VALUE_BYTES);
  return new TextDecoder().decode(text, { stream: true });
}
