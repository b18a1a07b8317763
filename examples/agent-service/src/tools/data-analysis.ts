import type { Tool } from '../types.ts';
import { textArgument } from './input.ts';

type Row = Readonly<Record<string, string>>;

interface GroupSummary {
  readonly group: string;
  readonly count: number;
  readonly total: number;
  readonly mean: number;
  readonly median: number;
  readonly p95: number;
}

export const dataAnalysis: Tool = {
  name: 'data_analysis',
  description:
    'Summarises a column of a CSV data set by group. Arguments: dataset, group_by, measure.',
  async execute(input, { readDocument }) {
    const dataset = textArgument(input, 'dataset');
    const groupBy = textArgument(input, 'group_by');
    const measure = textArgument(input, 'measure');
    const rows = parseCsv(await readDocument(dataset));
    for (const column of [groupBy, measure]) {
      if (rows[0]?.[column] === undefined) throw new Error(`${dataset} has no column ${column}`);
    }
    return JSON.stringify(summarise(rows, groupBy, measure));
  },
};

/** Comma-separated values with a heading line; quoted fields may hold commas and doubled quotes. */
function parseCsv(text: string): Row[] {
  const [heading = '', ...lines] = text.split(/\r?\n/).filter((line) => line !== '');
  const columns = splitCsvLine(heading);
  return lines.map((line) => {
    const fields = splitCsvLine(line);
    return Object.fromEntries(columns.map((column, i) => [column, fields[i] ?? '']));
  });
}

function splitCsvLine(line: string): string[] {
  return Array.from(line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), (match) =>
    match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'),
  );
}

function summarise(rows: readonly Row[], groupBy: string, measure: string): GroupSummary[] {
  const groups = new Map<string, number[]>();
  for (const row of rows) {
    const value = Number(row[measure]);
    if (!Number.isFinite(value)) continue;
    const group = row[groupBy] ?? '';
    const values = groups.get(group);
    if (values) values.push(value);
    else groups.set(group, [value]);
  }
  return Array.from(groups, ([group, values]) => summariseGroup(group, values)).sort(
    (a, b) => b.total - a.total,
  );
}

function summariseGroup(group: string, values: number[]): GroupSummary {
  values.sort((a, b) => a - b);
  const total = values.reduce((sum, value) => sum + value, 0);
  const quantile = (q: number) => values[Math.floor(q * (values.length - 1))] ?? Number.NaN;
  return {
    group,
    count: values.length,
    total: roundToCents(total),
    mean: roundToCents(total / values.length),
    median: quantile(0.5),
    p95: quantile(0.95),
  };
}

function roundToCents(value: number): number {
  return Math.round(value * 100) / 100;
}
