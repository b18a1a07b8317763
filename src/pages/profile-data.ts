/** A profile as the flame graph page holds it: small enough to send, whatever the profile. */
import type { Labels, Profile } from '../profile/model.ts';
import { MILLIS_PER_SECOND, nanosToMillis } from '../units.ts';

export interface PageProfile {
  readonly type: string;
  readonly title: string;
  /** Short facts for people. */
  readonly about: readonly string[];
  readonly timeMillis: number;
  readonly durationSeconds: number;
  readonly columns: Profile['sampleTypes'];
  readonly functions: {
    readonly name: readonly string[];
    /** Into `files`. */
    readonly file: readonly number[];
    readonly line: readonly number[];
    readonly files: readonly string[];
  };
  readonly stacks: { readonly parent: readonly number[]; readonly function: readonly number[] };
  readonly labelSets: readonly Labels[];
  readonly labelKeys: readonly string[];
  /** What the page does without, one note each. */
  readonly leftOut: readonly string[];
  readonly samples: Profile['samples'];
}

/** A browser draws some 5,000 frames at once; four times that leaves room to zoom. */
const MAX_STACKS = 20_000;
/** Nobody chooses from a longer list; a label of every request would be most of the page. */
const MAX_LABEL_VALUES = 200;
/** Bounds the page together with the stacks. */
const MAX_SAMPLES = 60_000;

/** Keys that people look for first. */
const KNOWN_KEYS = ['agent_name', 'tool_name', 'session_id', 'thread'];

export function pageProfile(profile: Profile, title: string): PageProfile {
  const leftOut: string[] = [];
  const labels = fewLabels(profile, leftOut);
  const { stacks, kept } = fewStacks(profile, leftOut);
  return {
    type: profile.profileType,
    title,
    about: factsOf(profile),
    timeMillis: nanosToMillis(profile.timeNanos),
    durationSeconds: nanosToMillis(profile.durationNanos) / MILLIS_PER_SECOND,
    columns: profile.sampleTypes,
    functions: functionsOf(profile),
    stacks,
    ...labels,
    leftOut,
    samples: fewSamples(profile, kept, labels.setOf, leftOut),
  };
}

function factsOf(profile: Profile): string[] {
  const facts = profile.comments.filter((comment) => /^(host|pid|node|thread)=/.test(comment));
  const when = new Date(nanosToMillis(profile.timeNanos)).toISOString();
  return [
    `${when.slice(0, 19).replace('T', ' ')} UTC`,
    ...facts.map((fact) => fact.replace('=', ' ')),
  ];
}

function functionsOf(profile: Profile): PageProfile['functions'] {
  const { name, file, startLine } = profile.functions;
  const index = new Map<string, number>();
  const indexes = file.map((one) => {
    const known = index.get(one) ?? index.size;
    index.set(one, known);
    return known;
  });
  return { name, file: indexes, line: startLine, files: [...index.keys()] };
}

/** Label sets without the keys that have too many values. */
function fewLabels(profile: Profile, leftOut: string[]) {
  const values = new Map<string, Set<string | number>>();
  for (const set of profile.labelSets) {
    for (const [key, value] of Object.entries(set)) {
      const known = values.get(key) ?? new Set();
      values.set(key, known.add(value));
    }
  }
  const tooMany = [...values].filter(([, known]) => known.size > MAX_LABEL_VALUES);
  for (const [key, known] of tooMany) leftOut.push(`${key} left out: ${known.size} values`);
  const labelKeys = [...values.keys()].filter((key) => !tooMany.some(([many]) => many === key));
  const ids = new Map<string, number>();
  const labelSets: Labels[] = [];
  const setOf = profile.labelSets.map((set) => {
    const fewer = Object.fromEntries(
      labelKeys.flatMap((key) => (key in set ? [[key, set[key] ?? '']] : [])),
    );
    const text = JSON.stringify(fewer);
    const known = ids.get(text);
    if (known !== undefined) return known;
    ids.set(text, labelSets.length);
    return labelSets.push(fewer) - 1;
  });
  return { labelSets, labelKeys: labelKeys.sort(byPlace), setOf };
}

function byPlace(one: string, other: string): number {
  const place = (key: string) =>
    (KNOWN_KEYS.indexOf(key) + KNOWN_KEYS.length + 1) % (KNOWN_KEYS.length + 1);
  return place(one) - place(other) || (one < other ? -1 : 1);
}

/** The largest stacks; the others are cut back to a caller that stays. */
function fewStacks(profile: Profile, leftOut: string[]) {
  const { parent, location } = profile.stacks;
  const totals = new Float64Array(parent.length);
  const values = profile.samples.values.at(-1) ?? [];
  for (const [i, stack] of profile.samples.stack.entries()) {
    totals[stack] = (totals[stack] ?? 0) + Math.abs(values[i] ?? 0);
  }
  for (let stack = parent.length - 1; stack >= 0; stack--) {
    const caller = parent[stack] ?? -1;
    if (caller >= 0) totals[caller] = (totals[caller] ?? 0) + (totals[stack] ?? 0);
  }
  const least = parent.length <= MAX_STACKS ? -1 : (totals.toSorted().at(-MAX_STACKS) ?? 0);
  const kept = new Int32Array(parent.length);
  const stacks = { parent: [] as number[], function: [] as number[] };
  for (let stack = 0; stack < parent.length; stack++) {
    const caller = parent[stack] ?? -1;
    const keptCaller = caller < 0 ? -1 : (kept[caller] ?? -1);
    const isKept = (totals[stack] ?? 0) > least || caller < 0;
    if (!isKept) {
      kept[stack] = keptCaller;
      continue;
    }
    stacks.parent.push(keptCaller);
    kept[stack] = stacks.function.push(profile.locations.function[location[stack] ?? 0] ?? 0) - 1;
  }
  const cut = parent.length - stacks.parent.length;
  if (cut > 0) leftOut.push(`${cut.toLocaleString('en')} small stacks cut back to their callers`);
  return { stacks, kept };
}

/** Sums of the samples that have become equal, the largest. */
function fewSamples(
  profile: Profile,
  kept: Int32Array,
  setOf: readonly number[],
  leftOut: string[],
): PageProfile['samples'] {
  const index = new Map<string, number>();
  const stack: number[] = [];
  const labelSet: number[] = [];
  const values: number[][] = profile.sampleTypes.map(() => []);
  for (const [i, oldStack] of profile.samples.stack.entries()) {
    const newStack = kept[oldStack] ?? 0;
    const newSet = setOf[profile.samples.labelSet[i] ?? 0] ?? 0;
    const key = `${newStack} ${newSet}`;
    let at = index.get(key);
    if (at === undefined) {
      at = stack.push(newStack) - 1;
      labelSet.push(newSet);
      for (const column of values) column.push(0);
      index.set(key, at);
    }
    for (const [column, sums] of values.entries()) {
      sums[at] = (sums[at] ?? 0) + (profile.samples.values[column]?.[i] ?? 0);
    }
  }
  if (stack.length <= MAX_SAMPLES) return { stack, labelSet, values };
  const last = values.at(-1) ?? [];
  const largest = [...stack.keys()]
    .sort((one, other) => (last[other] ?? 0) - (last[one] ?? 0))
    .slice(0, MAX_SAMPLES);
  leftOut.push(`${(stack.length - MAX_SAMPLES).toLocaleString('en')} small samples left out`);
  const pick = (column: readonly number[]): number[] => largest.map((i) => column[i] ?? 0);
  return { stack: pick(stack), labelSet: pick(labelSet), values: values.map(pick) };
}
