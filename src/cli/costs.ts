/** What cost what, over any number of profiles read one after another: the figures of `run` and `report`. */
import { sumBy } from '../profile/filter.ts';
import { merge } from '../profile/merge.ts';
import type { Labels, Profile, ProfileType } from '../profile/model.ts';
import { nanosToMillis } from '../units.ts';

/** One window of one thread as the timeline shows it. */
export interface WindowCosts {
  readonly profileType: ProfileType;
  readonly startMillis: number;
  readonly durationMillis: number;
  /** Sum of the last value column. */
  readonly total: number;
  /** The same by agent; the key '' stands for none. */
  readonly byAgent: Readonly<Record<string, number>>;
}

/** Profiles that cannot be added up stand apart: one for each type and set of value types. */
export interface Costs {
  readonly merged: readonly Profile[];
  readonly windows: readonly WindowCosts[];
}

export class CostCollector {
  readonly #batches = new Map<string, Profile[]>();
  readonly #windows: WindowCosts[] = [];

  add(profile: Profile): void {
    this.#windows.push(windowOf(profile));
    const { profileType, sampleTypes, periodType } = profile;
    const kind = JSON.stringify([profileType, sampleTypes, periodType]);
    const batch = this.#batches.get(kind) ?? [];
    // A live heap is a state, not a sum: the last window of a thread replaces those before it.
    if (profileType === 'heap') replaceOlder(batch, profile);
    else batch.push(profile);
    const isFull = batch.length >= MERGE_AT_ONCE && profileType !== 'heap';
    this.#batches.set(kind, isFull ? [merge(batch)] : batch);
  }

  end(): Costs {
    const windows = this.#windows.toSorted((one, other) => one.startMillis - other.startMillis);
    const merged = [...this.#batches.values()].map((batch) => merge(batch));
    return { merged: merged.toSorted((one, other) => rank(one) - rank(other)), windows };
  }
}

/** What people ask for first comes first; other producers' types at the end. */
const ORDER: readonly string[] = ['cpu', 'wall', 'heap', 'allocs'];
const rank = ({ profileType }: Profile): number =>
  ORDER.includes(profileType) ? ORDER.indexOf(profileType) : ORDER.length;

/** Enough to make copying cheap, few enough to keep memory near that of the result. */
const MERGE_AT_ONCE = 16;

function replaceOlder(batch: Profile[], profile: Profile): void {
  const source = sourceOf(profile);
  const older = batch.findIndex((known) => sourceOf(known) === source);
  if (older < 0) batch.push(profile);
  else if ((batch[older]?.timeNanos ?? 0n) <= profile.timeNanos) batch[older] = profile;
}

/** Process and thread, as far as the comments tell. */
function sourceOf({ comments }: Profile): string {
  return comments.filter((comment) => /^(host|pid|thread)=/.test(comment)).join(' ');
}

function windowOf(profile: Profile): WindowCosts {
  const column = profile.sampleTypes.length - 1;
  const byAgent = sumBy(profile, column, agentOf);
  return {
    profileType: profile.profileType,
    startMillis: nanosToMillis(profile.timeNanos),
    durationMillis: Number(profile.durationNanos) / 1e6,
    total: [...byAgent.values()].reduce((sum, value) => sum + value, 0),
    byAgent: Object.fromEntries([...byAgent].map(([agent, value]) => [agent ?? '', value])),
  };
}

/** The labels by which costs are shown, if any sample has them. */
export const COST_LABELS = ['agent_name', 'tool_name', 'session_id'] as const;

const agentOf = (labels: Labels): string | undefined => textOf(labels['agent_name']);

/** Value of a label → sum of the last column, largest first; undefined is a sample without it. */
export function costsBy(profile: Profile, label: string): Map<string | undefined, number> {
  return sumBy(profile, profile.sampleTypes.length - 1, (labels) => textOf(labels[label]));
}

function textOf(value: string | number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}
