import { type CallTree, callTree, childrenOf, type TreeFrame, totalOf } from './call-tree.ts';
import { columnOf } from './columns.ts';
import type { Profile } from './model.ts';
import { paired } from './paired.ts';
import { formatPercent, formatQuantity } from './quantities.ts';

export interface FlamegraphSvgOptions {
  readonly title: string;
  /** The value type to show (`cpu`); by default the last one, as pprof tools do. */
  readonly valueType?: string;
  /** Labels whose values stand on top, the first outermost. */
  readonly groupBy?: readonly string[];
  /** Compare with this: widths are the profile's, colours say what became more or less. */
  readonly base?: Profile;
  /** Frames drawn at most, outer ones first; 20,000 by default, which makes some 5 MB. */
  readonly maxBoxes?: number;
}

/**
 * A flame graph as one SVG without script, root on top. Each frame has a title with its figures, and
 * colours follow the reader's light or dark theme. Frames too narrow to see are left out, so the
 * size is bounded whatever the profile.
 *
 * Throws a `SpanprofError` with code `PROFILE_INVALID` if there is no such value type, and
 * `PROFILES_INCOMPATIBLE` if the base is of another kind.
 */
export function flamegraphSvg(profile: Profile, options: FlamegraphSvgOptions): string {
  const column = columnOf(profile, options.valueType);
  const unit = profile.sampleTypes[column]?.unit ?? '';
  const pair = options.base === undefined ? undefined : paired(options.base, profile);
  const values = pair?.other[column] ?? profile.samples.values[column] ?? [];
  const tree = callTree(pair?.profile ?? profile, options.groupBy);
  const total = totalOf(tree, values);
  const before = pair && totalOf(tree, pair.base[column] ?? []);
  const { boxes, hidden } = layOut(tree, total, options.maxBoxes ?? MAX_BOXES);
  const whole = total[0] ?? 0;
  const format = (value: number): string => formatQuantity(value, unit);
  const drawn = boxes.map((box) => {
    const frame = tree.frames[tree.frame[box.node] ?? 0] ?? NO_FRAME;
    const value = total[box.node] ?? 0;
    const share = `${format(value)}, ${formatPercent(value, whole).trim()}`;
    const was = before?.[box.node];
    const change = was === undefined ? '' : `; before ${format(was)}`;
    return drawBox(
      box,
      frame,
      `${share}${change}`,
      was === undefined ? kindOf(frame) : trendOf(was, value),
    );
  });
  const rows = boxes.reduce((most, { depth }) => Math.max(most, depth + 1), 1);
  const height = TOP + rows * ROW + BOTTOM;
  const type = profile.sampleTypes[column]?.type ?? '';
  const note = hidden === 0 ? '' : `; ${hidden} frames too narrow or too deep to show`;
  const caption = `${type}: ${format(whole)}${before ? `, before ${format(before[0] ?? 0)}` : ''}${note}`;
  return [
    `<svg class="flamegraph" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(options.title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    `<text class="title" x="${MARGIN}" y="20">${escaped(options.title)}</text>`,
    `<text class="note" x="${MARGIN}" y="36">${escaped(caption)}</text>`,
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

const WIDTH = 1200;
const MARGIN = 10;
const TOP = 46;
const BOTTOM = 10;
const ROW = 17;
/** Narrower than that nothing can be seen. */
const MIN_WIDTH = 0.5;
/** Far deeper than real stacks; beyond it an image cannot be looked at. */
const MAX_DEPTH = 500;
/** Some 5 MB of text. */
const MAX_BOXES = 20_000;
/** Of the font below at its size. */
const CHARACTER_WIDTH = 6.7;

const NO_FRAME: TreeFrame = { name: '', file: '', line: 0, kind: 'root' };

interface Box {
  readonly node: number;
  readonly depth: number;
  readonly x: number;
  readonly width: number;
}

/** Places what can be seen: larger siblings first, then by name. */
function layOut(
  tree: CallTree,
  total: Float64Array,
  maxBoxes: number,
): { boxes: Box[]; hidden: number } {
  const scale = (WIDTH - 2 * MARGIN) / Math.max(total[0] ?? 0, 1);
  const eachChild = childrenOf(tree);
  const nameOf = (node: number): string => tree.frames[tree.frame[node] ?? 0]?.name ?? '';
  const boxes: Box[] = [{ node: 0, depth: 0, x: MARGIN, width: WIDTH - 2 * MARGIN }];
  let hidden = 0;
  for (let index = 0; index < boxes.length; index++) {
    const box = boxes[index];
    if (box === undefined) break;
    const children: number[] = [];
    eachChild(box.node, (child) => {
      const isWide = (total[child] ?? 0) * scale >= MIN_WIDTH;
      const isSeen = isWide && box.depth < MAX_DEPTH && boxes.length + children.length < maxBoxes;
      if (isSeen) children.push(child);
      else if (total[child] !== 0) hidden++;
    });
    children.sort(
      (one, other) =>
        (total[other] ?? 0) - (total[one] ?? 0) || (nameOf(one) < nameOf(other) ? -1 : 1),
    );
    let { x } = box;
    for (const node of children) {
      const width = (total[node] ?? 0) * scale;
      boxes.push({ node, depth: box.depth + 1, x, width });
      x += width;
    }
  }
  return { boxes, hidden };
}

function drawBox(
  { depth, x, width }: Box,
  frame: TreeFrame,
  figures: string,
  look: string,
): string {
  const y = TOP + depth * ROW;
  const place =
    frame.file === '' ? '' : ` ${frame.file}${frame.line === 0 ? '' : `:${frame.line}`}`;
  const room = Math.floor((width - 6) / CHARACTER_WIDTH);
  const label =
    room < 3
      ? ''
      : `<text x="${round(x + 3)}" y="${y + 12}">${escaped(shortened(frame.name, room))}</text>`;
  const box = `<rect class="${look}" x="${round(x)}" y="${y}" width="${round(Math.max(width - 0.5, 0.4))}" height="${ROW - 1}" rx="2"/>`;
  return `<g><title>${escaped(`${frame.name}${place}\n${figures}`)}</title>${box}${label}</g>`;
}

/** Whose code it is, as far as the path tells. */
function kindOf({ kind, name, file }: TreeFrame): string {
  if (kind !== 'function') return kind;
  if (/[\\/]node_modules[\\/]/.test(file)) return 'library';
  if (file.startsWith('node:') || file === '' || name.startsWith('(')) return 'runtime';
  return 'own';
}

/** Five steps from much less to much more. */
function trendOf(before: number, now: number): string {
  if (before === now) return 'same';
  const change = (now - before) / Math.max(now, before);
  if (change > 0) return change > 0.2 ? 'more' : 'bit-more';
  return change < -0.2 ? 'less' : 'bit-less';
}

function shortened(name: string, room: number): string {
  return name.length <= room ? name : `${name.slice(0, room - 1)}…`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Text that may stand in XML, which knows no control characters, not even escaped. */
function escaped(text: string): string {
  return text
    .replaceAll(NOT_IN_XML, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const NOT_IN_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\p{Surrogate}\ufffe\uffff]/gu;

/** Every rule is about this image only: it may stand in a page with others. */
const STYLE = `
.flamegraph { font: 11px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
.flamegraph .page { fill: #fff } .flamegraph text { fill: #1b1b1f; pointer-events: none } .flamegraph .title { font-size: 15px; font-weight: 600 } .flamegraph .note { fill: #55555f }
.flamegraph .root { fill: #d9d9e0 } .flamegraph .label { fill: #b9c8f5 } .flamegraph .own { fill: #f7b779 } .flamegraph .library { fill: #f2d58a } .flamegraph .runtime { fill: #c6d7cf }
.flamegraph .same { fill: #dedee4 } .flamegraph .more { fill: #f28b82 } .flamegraph .bit-more { fill: #f8c9c4 } .flamegraph .less { fill: #7cc4a0 } .flamegraph .bit-less { fill: #c3e4d2 }
.flamegraph g:hover rect { stroke: #1b1b1f }
@media (prefers-color-scheme: dark) {
.flamegraph .page { fill: #17171b } .flamegraph text { fill: #f1f1f5 } .flamegraph .note { fill: #a9a9b6 }
.flamegraph .root { fill: #3a3a43 } .flamegraph .label { fill: #3a4f8f } .flamegraph .own { fill: #94551c } .flamegraph .library { fill: #75601a } .flamegraph .runtime { fill: #3c5549 }
.flamegraph .same { fill: #3a3a43 } .flamegraph .more { fill: #a13a32 } .flamegraph .bit-more { fill: #6a3a37 } .flamegraph .less { fill: #1f7148 } .flamegraph .bit-less { fill: #2f5140 }
.flamegraph g:hover rect { stroke: #f1f1f5 }
}
`;
