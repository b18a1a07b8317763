import { RESERVED_KEY_PREFIX } from './label-sets.ts';
import type { Labels, Profile, ProfileHeader } from './model.ts';

/**
 * Everything in which a profile breaks the rules stated on the model, one sentence each, naming the
 * place (`samples.stack[3] …`). Empty for a sound profile. Of many problems the first 50 are listed.
 */
export function validate(profile: Profile): string[] {
  const problems: string[] = [];
  const report = (problem: string): void => {
    if (problems.length < MAX_PROBLEMS) problems.push(problem);
  };
  checkHeader(profile, report);
  checkTables(profile, report);
  for (const [index, labels] of profile.labelSets.entries()) checkLabels(index, labels, report);
  checkSamples(profile, report);
  return problems;
}

type Report = (problem: string) => void;

const MAX_PROBLEMS = 50;
/** pprof holds times as signed 64-bit integers. */
const MAX_INT64 = 2n ** 63n - 1n;

function checkHeader(header: ProfileHeader, report: Report): void {
  if (header.sampleTypes.length === 0) report('sampleTypes is empty');
  for (const [index, { type }] of header.sampleTypes.entries()) {
    if (type === '') report(`sampleTypes[${index}] has no name`);
  }
  if (!isCount(header.period)) report(`period is ${header.period}`);
  for (const name of ['timeNanos', 'durationNanos'] as const) {
    const nanos = header[name];
    if (nanos < 0n || nanos > MAX_INT64) report(`${name} is ${nanos}`);
  }
}

function checkTables({ functions, locations, stacks }: Profile, report: Report): void {
  checkLengths('functions', functions, report);
  checkLengths('locations', locations, report);
  checkLengths('stacks', stacks, report);
  checkColumn('functions.startLine', functions.startLine, isCount, report);
  const isFunction = isIndexOf(functions.name);
  checkColumn('locations.function', locations.function, isFunction, report);
  checkColumn('locations.line', locations.line, isCount, report);
  checkColumn('locations.column', locations.column, isCount, report);
  checkColumn('stacks.location', stacks.location, isIndexOf(locations.function), report);
  // A caller before its callees: this is also why the trie cannot have a cycle.
  const isEarlier = (parent: number, stack: number): boolean =>
    Number.isInteger(parent) && parent >= -1 && parent < stack;
  checkColumn('stacks.parent', stacks.parent, isEarlier, report);
}

function checkLabels(index: number, labels: Labels, report: Report): void {
  for (const [key, value] of Object.entries(labels)) {
    const where = `labelSets[${index}] ${JSON.stringify(key)}`;
    if (key === '') report(`${where} is an empty key`);
    if (key.startsWith(RESERVED_KEY_PREFIX)) report(`${where} is reserved by pprof`);
    if (value === '') report(`${where} is empty, which pprof reads as not set`);
    if (typeof value !== 'string' && !Number.isSafeInteger(value)) {
      report(`${where} is neither text nor a safe integer`);
    }
  }
}

function checkSamples({ samples, sampleTypes, stacks, labelSets }: Profile, report: Report): void {
  const { stack, labelSet, values } = samples;
  if (values.length !== sampleTypes.length) {
    report(`samples.values has ${values.length} columns for ${sampleTypes.length} sample types`);
  }
  const columns = values.map((column, index) => [`values[${index}]`, column] as const);
  checkLengths('samples', { stack, labelSet, ...Object.fromEntries(columns) }, report);
  checkColumn('samples.stack', stack, isIndexOf(stacks.parent), report);
  checkColumn('samples.labelSet', labelSet, isIndexOf(labelSets), report);
  for (const [name, column] of columns) checkColumn(`samples.${name}`, column, isCount, report);
  const seen = new Set<string>();
  for (let sample = 0; sample < stack.length; sample++) {
    const pair = `${stack[sample]} ${labelSet[sample]}`;
    if (seen.has(pair)) report(`samples[${sample}] repeats a pair of stack and label set`);
    seen.add(pair);
  }
}

function checkLengths(
  table: string,
  columns: Readonly<Record<string, readonly unknown[]>>,
  report: Report,
): void {
  const lengths = Object.entries(columns).map(([name, column]) => `${name} ${column.length}`);
  const [first, ...others] = Object.values(columns);
  if (others.some((column) => column.length !== first?.length)) {
    report(`${table} has columns of different lengths: ${lengths.join(', ')}`);
  }
}

function checkColumn(
  name: string,
  column: readonly number[],
  accepts: (value: number, index: number) => boolean,
  report: Report,
): void {
  for (let index = 0; index < column.length; index++) {
    const value = column[index] ?? Number.NaN;
    if (!accepts(value, index)) report(`${name}[${index}] is ${value}`);
  }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

const isIndexOf =
  (table: readonly unknown[]) =>
  (value: number): boolean =>
    Number.isInteger(value) && value >= 0 && value < table.length;
