/** Live memory of a heap profile by allocation site and owner. */

import type { Labels, LabelValue, Profile } from '../profile/model.ts';
import type { HeapAges } from './engine.ts';

/** Where memory is allocated: the innermost function that is not Node's or V8's own. */
export interface Site {
  readonly function: string;
  readonly file: string;
  /** 1-based; 0 if unknown. */
  readonly line: number;
}

export interface SiteOwner {
  readonly site: Site;
  readonly owner: Labels;
}

/** Labels that tell an owner. Others (sessions, invocations, traces) are too many to follow. */
const OWNER_LABELS = ['agent_name', 'tool_name', 'thread'] as const;
const BYTES_COLUMN = 1;

export interface LiveSite {
  readonly key: SiteOwner;
  bytes: number;
  /** Of them, those that were alive already when the window before ended. */
  survivedBytes: number;
  /** Those that the last full collection has proven. */
  settledBytes: number;
}

/** By an id that is the same in every window. */
export function liveBySite(heap: Profile, ages: HeapAges): Map<string, LiveSite> {
  const sites = new Map<string, LiveSite>();
  const { samples } = heap;
  for (let i = 0; i < samples.stack.length; i++) {
    const site = siteOf(heap, samples.stack[i] ?? -1);
    const owner = ownerOf(heap.labelSets[samples.labelSet[i] ?? 0] ?? {});
    const id = JSON.stringify([site, owner]);
    const found = sites.get(id) ?? {
      key: { site, owner },
      bytes: 0,
      survivedBytes: 0,
      settledBytes: 0,
    };
    found.bytes += samples.values[BYTES_COLUMN]?.[i] ?? 0;
    found.survivedBytes += ages.survivedBytes[i] ?? 0;
    found.settledBytes += ages.settledBytes[i] ?? 0;
    sites.set(id, found);
  }
  return sites;
}

function siteOf({ stacks, locations, functions }: Profile, leaf: number): Site {
  let innermost: Site | undefined;
  for (let at = leaf; at >= 0; at = stacks.parent[at] ?? -1) {
    const location = stacks.location[at] ?? 0;
    const fn = locations.function[location] ?? 0;
    const site = {
      function: functions.name[fn] ?? '',
      file: functions.file[fn] ?? '',
      line: locations.line[location] ?? 0,
    };
    if (site.file !== '' && !site.file.startsWith('node:')) return site;
    innermost ??= site;
  }
  return innermost ?? { function: '', file: '', line: 0 };
}

function ownerOf(labels: Labels): Labels {
  const owner: Record<string, LabelValue> = {};
  for (const name of OWNER_LABELS) {
    const value = labels[name];
    if (value !== undefined) owner[name] = value;
  }
  return owner;
}
