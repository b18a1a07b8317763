/** One self-contained page over many windows. Pure. */
import { flamegraphSvg } from '../profile/flamegraph-svg.ts';
import type { Profile, ProfileType } from '../profile/model.ts';
import { formatPercent, formatQuantity } from '../profile/quantities.ts';
import { placeOf, top } from '../profile/top.ts';
import { VERSION } from '../version.ts';
import { COST_LABELS, type Costs, costsBy } from './costs.ts';
import { escapeHtml } from './html.ts';
import { timeline } from './report-timeline.ts';

export interface ReportOptions {
  readonly title: string;
  /** What could not be read, for the page to say so. */
  readonly unreadable: readonly string[];
}

/** With at most some 350 bytes a frame and four types, a report stays under 3 MB. */
const MAX_BOXES = 1_500;
const MAX_ROWS = 50;
const MAX_UNREADABLE = 20;
/** Longer names have no room in a table, and there may be a great many bytes in them. */
const MAX_NAME_CHARACTERS = 300;

const TITLES: Readonly<Record<ProfileType, string>> = {
  cpu: 'CPU time',
  wall: 'Elapsed time',
  heap: 'Live heap',
  allocs: 'Allocated memory',
};

/** The HTML of a report. It asks no host for anything and runs no script. */
export function reportPage(costs: Costs, { title, unreadable }: ReportOptions): string {
  const order = Object.keys(TITLES);
  const merged = costs.merged.toSorted(
    (one, other) => order.indexOf(one.profileType) - order.indexOf(other.profileType),
  );
  const links = merged.map(
    (profile, index) => `<a href="#p${index}">${escapeHtml(titleOf(profile))}</a>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><header><h1>${escapeHtml(title)}</h1><p>${escapeHtml(aboutOf(costs))}</p><nav>${links.join('')}</nav></header>
<main><section><h2>Over time</h2>${timeline(costs.windows) || '<p>The profiles do not say when they were taken.</p>'}</section>
${merged.map((profile, index) => sectionOf(profile, index)).join('\n')}
${unreadableOf(unreadable)}</main><footer>spanprof ${VERSION}</footer></body></html>
`;
}

function aboutOf({ merged, windows }: Costs): string {
  const comments = new Set(merged.flatMap(({ comments }) => comments));
  const named = (key: string): string[] =>
    [...comments]
      .filter((one) => one.startsWith(`${key}=`))
      .map((one) => one.slice(key.length + 1));
  const services = named('service').slice(0, 5).join(', ');
  const processes = named('pid').length;
  const from = services === '' ? '' : ` of ${services}`;
  const count = processes === 0 ? '' : `, ${processes} process${processes === 1 ? '' : 'es'}`;
  return `${windows.length} profiles${from}${count}`;
}

function sectionOf(profile: Profile, index: number): string {
  const column = profile.sampleTypes.length - 1;
  const unit = profile.sampleTypes[column]?.unit ?? '';
  const total = (profile.samples.values[column] ?? []).reduce((sum, value) => sum + value, 0);
  const row = (value: number, name: string): string =>
    `<tr><td>${formatQuantity(value, unit)}</td><td>${formatPercent(value, total).trim()}</td><td class="bar"><i style="width:${barOf(value, total)}%"></i></td><th scope="row">${escapeHtml(name.slice(0, MAX_NAME_CHARACTERS))}</th></tr>`;
  const tables = COST_LABELS.map((label) => {
    const rows = [...costsBy(profile, label)];
    if (!rows.some(([value]) => value !== undefined)) return '';
    const shown = rows.slice(0, MAX_ROWS).map(([value, sum]) => row(sum, value ?? `(no ${label})`));
    return tableOf(`by ${label}`, shown, rows.length);
  });
  const functions = top(profile, column).filter(({ flat }) => flat > 0);
  const shown = functions.slice(0, MAX_ROWS).map((entry) => row(entry.flat, placeOf(entry)));
  const title = `${titleOf(profile)} by agent, tool and function`;
  const svg = flamegraphSvg(profile, {
    title,
    groupBy: ['agent_name', 'tool_name'],
    maxBoxes: MAX_BOXES,
  });
  return `<section id="p${index}"><h2>${escapeHtml(titleOf(profile))}: ${formatQuantity(total, unit)}</h2>
<div class="tables">${tables.join('')}${tableOf('by function', shown, functions.length)}</div>
<div class="flame">${svg}</div></section>`;
}

/** With the value's name where that is not what the title says already. */
function titleOf({ profileType, sampleTypes }: Profile): string {
  const type = sampleTypes.at(-1)?.type ?? '';
  const isUsual = ['cpu', 'wall', 'inuse_space', 'alloc_space'].includes(type);
  return isUsual ? TITLES[profileType] : `${TITLES[profileType]} (${type})`;
}

function barOf(value: number, total: number): string {
  return total === 0 ? '0' : Math.min((value / total) * 100, 100).toFixed(1);
}

function tableOf(caption: string, rows: readonly string[], count: number): string {
  const more = count > rows.length ? ` (${rows.length} of ${count})` : '';
  return `<table><caption>${escapeHtml(caption)}${more}</caption><tbody>${rows.join('')}</tbody></table>`;
}

function unreadableOf(problems: readonly string[]): string {
  if (problems.length === 0) return '';
  const items = problems
    .slice(0, MAX_UNREADABLE)
    .map((problem) => `<li>${escapeHtml(problem.slice(0, MAX_NAME_CHARACTERS))}</li>`);
  return `<section><h2>Not read: ${problems.length}</h2><ul>${items.join('')}</ul></section>`;
}

const STYLE = `
:root { --page: #fff; --ink: #1b1b1f; --soft: #5a5a66; --line: #dcdce3; --bar: #b9c8f5 }
body { margin: 0 auto; max-width: 1240px; padding: 16px; font: 14px/1.5 system-ui, sans-serif; background: var(--page); color: var(--ink) }
h1 { font-size: 22px; margin: 0; overflow-wrap: anywhere } h2 { font-size: 18px; margin: 32px 0 8px } h3 { font-size: 14px; margin: 12px 0 4px }
header p, footer, caption { color: var(--soft) } nav a { margin-right: 16px; color: inherit }
.tables { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(380px, 100%), 1fr)); gap: 8px 32px; align-items: start }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums } caption { text-align: left; padding: 8px 0 4px }
td, th { padding: 2px 8px 2px 0; border-top: 1px solid var(--line); text-align: right; white-space: nowrap; font-weight: normal }
th { text-align: left; white-space: normal; overflow-wrap: anywhere; width: 60% } td.bar { min-width: 60px } td.bar i { display: block; height: 9px; background: var(--bar); border-radius: 2px }
.flame { overflow-x: auto; margin-top: 12px } .flame svg { display: block; min-width: 700px; width: 100%; height: auto }
.chart { width: 100%; height: auto } .chart text { font-size: 11px; fill: var(--soft) } .axis, .line { fill: none; stroke: var(--line) } .line { stroke: #3b66d6; stroke-width: 1.5 }
.legend span { margin-right: 16px; white-space: nowrap } .legend i { display: inline-block; width: 10px; height: 10px; margin-right: 5px; border-radius: 2px }
.s0 { fill: #3b66d6; background: #3b66d6 } .s1 { fill: #d9792b; background: #d9792b } .s2 { fill: #2f9e6e; background: #2f9e6e } .s3 { fill: #b0477f; background: #b0477f }
.s4 { fill: #7a5cc4; background: #7a5cc4 } .s5 { fill: #a8892b; background: #a8892b } .s6 { fill: #2b94a8; background: #2b94a8 } .rest { fill: #77777f; background: #77777f } .chart .none, .legend .none { fill: #c3c3cb; background: #c3c3cb }
@media (prefers-color-scheme: dark) { :root { --page: #17171b; --ink: #f1f1f5; --soft: #a9a9b6; --line: #3a3a43; --bar: #3a4f8f } .chart .none, .legend .none { fill: #55555f; background: #55555f } }
@media print { section { break-inside: avoid } }
`;
