import { VERSION } from '../version.ts';
import { callTree, framePath } from './call-tree.ts';
import type { Profile, ValueType } from './model.ts';

export interface SpeedscopeOptions {
  /** The name in the page's title. */
  readonly title?: string;
  /** Labels that stand as frames above the stacks, `agent_name=planner`, the first outermost. */
  readonly groupBy?: readonly string[];
}

/**
 * The profile as speedscope's own JSON, one of its profiles per value column, the last one shown
 * first. Negative values, which speedscope cannot draw, count as 0.
 */
export function speedscope(profile: Profile, options: SpeedscopeOptions = {}): string {
  const tree = callTree(profile, options.groupBy);
  const frames = tree.frames.map(({ name, file, line }) => ({
    name,
    ...(file === '' ? {} : { file }),
    ...(line === 0 ? {} : { line }),
  }));
  const profiles = profile.sampleTypes.map((valueType, column) => {
    const samples: number[][] = [];
    const weights: number[] = [];
    for (const [sample, node] of tree.nodeOfSample.entries()) {
      const weight = profile.samples.values[column]?.[sample] ?? 0;
      if (weight <= 0) continue;
      samples.push(framePath(tree, node));
      weights.push(weight);
    }
    const endValue = weights.reduce((sum, weight) => sum + weight, 0);
    const name = valueType.type;
    return {
      type: 'sampled',
      name,
      unit: unitOf(valueType),
      startValue: 0,
      endValue,
      samples,
      weights,
    };
  });
  return JSON.stringify({
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: `spanprof@${VERSION}`,
    name: options.title ?? profile.profileType,
    activeProfileIndex: profiles.length - 1,
    shared: { frames },
    profiles,
  });
}

/** The units speedscope knows; everything else is a plain number. */
const UNITS = ['nanoseconds', 'microseconds', 'milliseconds', 'seconds', 'bytes'];

function unitOf({ unit }: ValueType): string {
  return UNITS.includes(unit) ? unit : 'none';
}
