/** The timeline of a report: CPU use by agent and live heap over time, as SVG. */
import { formatQuantity } from '../profile/quantities.ts';
import type { WindowCosts } from './costs.ts';
import { escapeHtml } from './html.ts';

const WIDTH = 1200;
const HEIGHT = 150;
const LEFT = 64;
const BOTTOM = 20;
/** Steps in time: what a bar of a few pixels can show. Bounds the size of the image too. */
const BUCKETS = 240;
/** Agents with a colour of their own, as many as people tell apart. The rest is one. */
const MAX_SERIES = 7;

interface Scale {
  readonly startMillis: number;
  readonly bucketMillis: number;
}

/** Two charts and their legend; empty if no window says when it was. */
export function timeline(windows: readonly WindowCosts[]): string {
  const dated = windows.filter(({ startMillis }) => startMillis > 0);
  if (dated.length === 0) return '';
  const startMillis = dated.reduce((least, one) => Math.min(least, one.startMillis), Infinity);
  const endMillis = dated.reduce(
    (most, one) => Math.max(most, one.startMillis + one.durationMillis),
    0,
  );
  const bucketMillis = Math.max((endMillis - startMillis) / BUCKETS, 1);
  const scale = { startMillis, bucketMillis };
  const cpu = dated.filter(({ profileType }) => profileType === 'cpu');
  const heap = dated.filter(({ profileType }) => profileType === 'heap');
  return `${cpuChart(cpu, scale)}${heapChart(heap, scale)}`;
}

function cpuChart(windows: readonly WindowCosts[], scale: Scale): string {
  if (windows.length === 0) return '';
  const sums = new Map<string, number>();
  for (const { byAgent } of windows) {
    for (const [agent, nanos] of Object.entries(byAgent))
      sums.set(agent, (sums.get(agent) ?? 0) + nanos);
  }
  const ranked = [...sums].filter(([agent]) => agent !== '').sort(([, a], [, b]) => b - a);
  const named = ranked.slice(0, MAX_SERIES).map(([agent]) => agent);
  const seriesOf = (agent: string): number =>
    agent === '' ? named.length + 1 : named.includes(agent) ? named.indexOf(agent) : named.length;
  const series = Array.from({ length: named.length + 2 }, () => new Float64Array(BUCKETS));
  for (const window of windows) {
    for (const [agent, nanos] of Object.entries(window.byAgent)) {
      spread(series[seriesOf(agent)], window, nanos / 1e6, scale);
    }
  }
  const stacked = Array.from({ length: BUCKETS }, (_, bucket) =>
    series.reduce((sum, values) => sum + (values[bucket] ?? 0), 0),
  );
  const most = Math.max(...stacked, 1e-9);
  const used = stacked.map(() => 0);
  const bars = series.map((values, index) => {
    const look = index > named.length ? 'none' : index === named.length ? 'rest' : `s${index}`;
    const path = Array.from(values, (value, bucket) => {
      if (value === 0) return '';
      const height = (value / most) * (HEIGHT - 10);
      const y = HEIGHT - (used[bucket] ?? 0) - height;
      used[bucket] = (used[bucket] ?? 0) + height;
      return `M${x(bucket)} ${y.toFixed(1)}h${BAR.toFixed(1)}v${height.toFixed(1)}h-${BAR.toFixed(1)}z`;
    });
    return `<path class="${look}" d="${path.join('')}"/>`;
  });
  const names = [...named, 'other agents', 'no agent'];
  const legend = names.map((name, index) => {
    if ((series[index] ?? []).every((value) => value === 0)) return '';
    const look = index > named.length ? 'none' : index === named.length ? 'rest' : `s${index}`;
    return `<span><i class="${look}"></i>${escapeHtml(name)}</span>`;
  });
  // Milliseconds of CPU in a millisecond are cores.
  const top = `${(most / scale.bucketMillis).toFixed(2)} cores`;
  return `<h3>CPU by agent</h3>${chart('CPU by agent over time', bars.join(''), top, scale)}<p class="legend">${legend.join('')}</p>`;
}

function heapChart(windows: readonly WindowCosts[], scale: Scale): string {
  if (windows.length === 0) return '';
  const most = windows.reduce((largest, { total }) => Math.max(largest, total), 1);
  const highest = new Float64Array(BUCKETS);
  for (const { startMillis, durationMillis, total } of windows) {
    const bucket = bucketAt(startMillis + durationMillis, scale);
    highest[bucket] = Math.max(highest[bucket] ?? 0, total);
  }
  const points = Array.from(highest, (value, bucket) => ({ value, bucket }))
    .filter(({ value }) => value > 0)
    .map(
      ({ value, bucket }) => `${x(bucket)},${(HEIGHT - (value / most) * (HEIGHT - 10)).toFixed(1)}`,
    );
  const dots = points.map((point) => {
    const [cx, cy] = point.split(',');
    return `<circle class="s0" cx="${cx}" cy="${cy}" r="2.5"/>`;
  });
  const line = `<polyline class="line" points="${points.join(' ')}"/>${dots.join('')}`;
  const top = formatQuantity(most, 'bytes');
  return `<h3>Live heap at the end of each window</h3>${chart('Live heap over time', line, top, scale)}`;
}

const BAR = (WIDTH - LEFT) / BUCKETS;
const x = (bucket: number): string => (LEFT + bucket * BAR).toFixed(1);

function bucketAt(millis: number, { startMillis, bucketMillis }: Scale): number {
  return Math.min(Math.max(Math.floor((millis - startMillis) / bucketMillis), 0), BUCKETS - 1);
}

/** Adds a window's value evenly to the buckets it covers. */
function spread(
  values: Float64Array | undefined,
  { startMillis, durationMillis }: WindowCosts,
  value: number,
  scale: Scale,
): void {
  if (values === undefined) return;
  const first = bucketAt(startMillis, scale);
  const last = bucketAt(startMillis + Math.max(durationMillis - 1, 0), scale);
  for (let bucket = first; bucket <= last; bucket++) {
    values[bucket] = (values[bucket] ?? 0) + value / (last - first + 1);
  }
}

function chart(label: string, content: string, top: string, scale: Scale): string {
  const clock = (millis: number): string =>
    new Date(millis).toISOString().slice(0, 19).replace('T', ' ');
  const end = scale.startMillis + scale.bucketMillis * BUCKETS;
  return `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT + BOTTOM}" role="img" aria-label="${escapeHtml(label)}">
<path class="axis" d="M${LEFT} 10V${HEIGHT}H${WIDTH}"/>
<text x="0" y="16">${escapeHtml(top)}</text><text x="${LEFT}" y="${HEIGHT + 15}">${clock(scale.startMillis)} UTC</text><text x="${WIDTH}" y="${HEIGHT + 15}" text-anchor="end">${clock(end)} UTC</text>
${content}</svg>`;
}
