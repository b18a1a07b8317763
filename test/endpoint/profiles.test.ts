/** The endpoint of a program under load, asked by Go's own tool and by us. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Profile } from '../../src/profile/model.ts';
import { goAvailable, goToolPprof } from '../helpers/go.ts';
import { samplesOf, total } from '../helpers/profiles.ts';
import { fetchProfile, freePort, withService } from './service.ts';

type FiveProfiles = [Profile, Profile, Profile, Profile, Profile];
const RESEARCH = 'a'.repeat(32);

describe.skipIf(!goAvailable)('go tool pprof', () => {
  test('fetches profile, heap and allocs over HTTP, and compares two heaps', async () => {
    await withService(async ({ url, folder }) => {
      const pprof = (...args: string[]) => goToolPprof(args);
      const cpu = await pprof('-top', `${url}/debug/pprof/profile?seconds=2`);
      expect(cpu).toContain('Type: cpu');
      expect(cpu).toContain('researchWork');
      expect(cpu).toContain('writerWork');
      expect(await pprof('-top', '-seconds=1', `${url}/debug/pprof/wall`)).toContain('Type: wall');

      const base = join(folder, '../base.pb.gz');
      const heap = await fetch(`${url}/debug/pprof/heap?gc=1`);
      expect(heap.headers.get('content-disposition')).toBe('attachment; filename="heap.pb.gz"');
      await writeFile(base, new Uint8Array(await heap.arrayBuffer()));
      const change = await pprof('-top', `-diff_base=${base}`, `${url}/debug/pprof/heap?gc=1`);
      expect(change).toContain('Type: inuse_space');
      expect(change).toContain('keepMemory');
      const tags = await pprof('-tags', `${url}/debug/pprof/heap`);
      expect(tags).toContain('research_agent');

      const allocs = await pprof(
        '-sample_index=alloc_space',
        '-top',
        `${url}/debug/pprof/allocs?seconds=2`,
      );
      expect(allocs).toContain('Type: alloc_space');
      expect(allocs).toContain('keepMemory');
    });
  });
});

describe.skipIf(!goAvailable)('go tool pprof -http', () => {
  test('shows a profile that it fetched', { timeout: 60_000 }, async () => {
    await withService(async ({ url }) => {
      const port = await freePort();
      const at = `127.0.0.1:${port}`;
      const options = ['-no_browser', `-http=${at}`, `${url}/debug/pprof/profile?seconds=1`];
      // In a group of its own: go starts the tool as a child.
      const viewer = spawn('go', ['tool', 'pprof', ...options], {
        detached: true,
        stdio: 'ignore',
      });
      try {
        const page = async () => {
          const response = await fetch(`http://${at}/top`).catch(() => undefined);
          return (await response?.text()) ?? '';
        };
        await expect.poll(page, { timeout: 30_000, interval: 200 }).toContain('researchWork');
      } finally {
        process.kill(-(viewer.pid ?? 0), 'SIGKILL');
      }
    });
  });
});

describe('label filters', () => {
  /** Functions of one agent alone. */
  const ofResearch = (profile: Profile) => nanosBelow(profile, 'researchWork');
  const ofWriter = (profile: Profile) => nanosBelow(profile, 'writerWork');
  function nanosBelow(profile: Profile, name: string): number {
    return total(samplesOf(profile), 'value', ({ stack }) => stack.includes(name));
  }

  /** Requests that come together share their cuts; on a busy machine one may come too late. */
  async function ofOneStretch(url: string, filters: string[]): Promise<FiveProfiles> {
    for (let i = 0; i < 5; i++) {
      const profiles = await Promise.all(
        filters.map((filter) => fetchProfile(`${url}/debug/pprof/profile?seconds=20${filter}`)),
      );
      const stretches = profiles.map(({ timeNanos, durationNanos }) => timeNanos + durationNanos);
      if (new Set(stretches).size === 1) return profiles as unknown as FiveProfiles;
    }
    throw new Error('requests that came together were not answered together');
  }

  test('keep exactly the samples of an agent or a trace', { timeout: 150_000 }, async () => {
    await withService(async ({ url }) => {
      const [all, research, trace, others, tool] = await ofOneStretch(url, [
        '',
        '&label=agent_name:research_agent',
        `&trace_id=${RESEARCH}`,
        '&label=!agent_name:research_agent',
        '&label=agent_name:research_agent&-label=tool_name',
      ]);
      expect(ofResearch(all)).toBeGreaterThan(5e8);
      expect(ofWriter(all)).toBeGreaterThan(5e8);
      for (const filtered of [research, trace]) {
        expect(ofWriter(filtered)).toBe(0);
        expect(ofResearch(filtered)).toBe(ofResearch(all));
        expect(new Set(samplesOf(filtered).map(({ labels }) => labels['trace_id']))).toEqual(
          new Set([RESEARCH]),
        );
      }
      expect(ofResearch(others)).toBe(0);
      expect(ofWriter(others)).toBe(ofWriter(all));
      expect(tool.samples.stack).toHaveLength(0);
      const value = (profile: Profile) => total(samplesOf(profile), 'value');
      expect(value(research) + value(others)).toBe(value(all));
    });
  });
});
