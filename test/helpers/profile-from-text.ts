import { ProfileBuilder } from '../../src/profile/builder.ts';
import {
  type Labels,
  PERIOD_TYPES,
  type Profile,
  type ProfileHeader,
  type ProfileType,
  type ValueType,
} from '../../src/profile/model.ts';

/**
 * A profile drawn as text: one column per sample, the program's entry on top, values and labels
 * below, so that a test shows its data and its answer together.
 *
 *     profileFromText(`
 *       stack            main           main           main
 *                        plan@a.ts:12   plan@a.ts:14   idle
 *                        parse
 *       samples/count    3              2              1
 *       cpu/nanoseconds  30             20             10
 *       labels           agent=x        agent=y        -
 *                        step=1
 *     `)
 *
 * A frame is `name@file:line[:column][+startLine]`, all but the name optional. Columns begin where
 * the first line has them. A label value of digits is a number; `-` is no label. Empty cells below
 * the last entry of a column may be left blank.
 */
export function profileFromText(text: string, header: Partial<ProfileHeader> = {}): Profile {
  const rows = cellsOf(text);
  const width = rows[0]?.cells.length ?? 0;
  const column = (kind: string, index: number): string[] =>
    rows.filter((row) => row.kind === kind).flatMap((row) => row.cells[index] || []);
  const valueKinds = [...new Set(rows.map((row) => row.kind))].filter((kind) => kind.includes('/'));
  const sampleTypes = valueKinds.map((kind): ValueType => {
    const [type = '', unit = ''] = kind.split('/');
    return { type, unit };
  });
  const builder = new ProfileBuilder({ ...headerOf(sampleTypes), ...header });
  for (let index = 0; index < width; index++) {
    let stack = -1;
    for (const cell of column('stack', index)) stack = builder.stack(stack, frameOf(builder, cell));
    const labelSet = builder.labelSet(labelsOf(column('labels', index)));
    const values = valueKinds.map((kind) => Number(column(kind, index)[0]));
    builder.addValues(stack, labelSet, values);
  }
  return builder.build();
}

/**
 * The samples of a profile as sorted lines `main;plan;parse | agent=x step=1 | 3 30`, whatever the
 * order of its tables. With `places`, frames carry file, line, column and first line.
 */
export function samplesOf(profile: Profile, places: 'places' | 'names' = 'names'): string[] {
  const { samples, labelSets } = profile;
  return samples.stack
    .map((stack, sample) => {
      const labels = Object.entries(labelSets[samples.labelSet[sample] ?? -1] ?? {});
      // JSON tells the number 1 from the text "1"; plain text reads better.
      const shown = labels.map(([key, value]) =>
        typeof value === 'string' && /^-?\d+$/.test(value)
          ? `${key}=${JSON.stringify(value)}`
          : `${key}=${value}`,
      );
      const values = samples.values.map((column) => column[sample]);
      return `${framesOf(profile, stack, places).join(';')} | ${shown.sort().join(' ') || '-'} | ${values.join(' ')}`;
    })
    .sort();
}

function framesOf(profile: Profile, leaf: number, places: 'places' | 'names'): string[] {
  const frames: string[] = [];
  for (let stack = leaf; stack >= 0; stack = profile.stacks.parent[stack] ?? -1) {
    const location = profile.stacks.location[stack] ?? -1;
    const index = profile.locations.function[location] ?? -1;
    const { name, file, startLine } = profile.functions;
    const { line, column } = profile.locations;
    const place = `@${file[index]}:${line[location]}:${column[location]}+${startLine[index]}`;
    frames.unshift(`${name[index]}${places === 'places' ? place : ''}`);
  }
  return frames;
}

/** Splits the text into rows; a row without a kind continues the one above. */
function cellsOf(text: string): { kind: string; cells: string[] }[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const starts = [...(lines[0] ?? '').matchAll(/\S+/g)].map((match) => match.index);
  let kind = '';
  return lines.map((line) => {
    const crossed = starts.find((start) => /\S\S/.test(line.slice(start - 1, start + 1)));
    if (crossed !== undefined) throw new Error(`not drawn in columns: ${line}`);
    const cells = starts.map((start, index) => line.slice(start, starts[index + 1]).trim());
    kind = cells[0] || kind;
    return { kind, cells: cells.slice(1) };
  });
}

const FRAME =
  /^(?<name>[^@]*)(@(?<file>[^:]+)(:(?<line>\d+))?(:(?<column>\d+))?(\+(?<start>\d+))?)?$/;

function frameOf(builder: ProfileBuilder, cell: string): number {
  const { name = '', file = '', line, column, start } = FRAME.exec(cell)?.groups ?? { name: cell };
  return builder.frame(name, file, Number(line ?? 0), Number(start ?? 0), Number(column ?? 0));
}

function labelsOf(cells: readonly string[]): Labels {
  const pairs = cells
    .filter((cell) => cell !== '-')
    .map((cell): [string, string | number] => {
      const split = cell.indexOf('=');
      const value = cell.slice(split + 1);
      return [cell.slice(0, split), /^-?\d+$/.test(value) ? Number(value) : value];
    });
  return Object.fromEntries(pairs);
}

function headerOf(sampleTypes: readonly ValueType[]): ProfileHeader {
  const profileType = profileTypeOf(sampleTypes.map(({ type }) => type));
  return {
    profileType,
    sampleTypes,
    periodType: PERIOD_TYPES[profileType],
    period: 10_000_000,
    timeNanos: 1_790_000_000_000_000_000n,
    durationNanos: 60_000_000_000n,
    comments: [],
  };
}

function profileTypeOf(names: readonly string[]): ProfileType {
  if (names.includes('wall')) return 'wall';
  if (names.includes('inuse_space')) return 'heap';
  return names.includes('alloc_space') ? 'allocs' : 'cpu';
}
