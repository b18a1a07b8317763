/**
 * Fifty clients ask for profiles of all kinds and leave when they like, for five minutes. The
 * continuous profiles must not notice: no gap, no CPU time missing, no request failed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { randomNumbers } from '../endpoint/hostile-requests.ts';
import { type Service, startService } from '../endpoint/service.ts';
import { readProfiles, samplesOf, total } from '../helpers/profiles.ts';

const SECONDS = Number(process.env['TEST_SOAK_SECONDS'] ?? 300);
const CLIENTS = 50;
const WINDOW_SECONDS = 5;

const KINDS = [
  'profile?seconds=3',
  'profile?seconds=7&label=agent_name:research_agent',
  'wall?seconds=2&format=folded',
  'heap',
  'heap?seconds=4',
  'heap?gc=1&debug=1',
  'profile?seconds=1&format=flamegraph',
  'profile?seconds=5&format=speedscope',
  'wall?seconds=1&format=svg',
  'profile?seconds=2&format=data',
  'profile?seconds=1&format=top-json&limit=10',
];

interface End {
  readonly elapsedMillis: number;
  readonly cpuMicros: number;
}

test('continuous profiles do not notice profiles on demand', async () => {
  const service = await startService({
    env: { SPANPROF_WINDOW_SECONDS: String(WINDOW_SECONDS) },
  });
  try {
    const counts = await demand(service);
    expect(await service.end()).toBe(0);
    expect(service.stderr()).toBe('');
    const { elapsedMillis, cpuMicros } = JSON.parse(service.stdout()) as End;

    for (const type of ['cpu', 'wall', 'heap'] as const) {
      const windows = readProfiles(service.folder, type).map(({ profile }) => profile);
      expect(windows.length).toBeGreaterThanOrEqual(Math.floor(SECONDS / WINDOW_SECONDS));
      expect(windows.length).toBeLessThanOrEqual(SECONDS / WINDOW_SECONDS + 3);
      for (const [i, one] of windows.entries()) {
        const before = windows[i - 1];
        if (before === undefined) continue;
        const gapNanos = Number(one.timeNanos - before.timeNanos - before.durationNanos);
        // The parts of a window are added up in floating-point milliseconds.
        expect(Math.abs(gapNanos)).toBeLessThan(10_000);
      }
    }
    const cpu = readProfiles(service.folder, 'cpu');
    const nanos = cpu.reduce((sum, { profile }) => sum + total(samplesOf(profile), 'value'), 0);
    const share = nanos / 1e3 / cpuMicros;
    console.log(
      `${SECONDS} s: ${JSON.stringify(counts)}; ${(nanos / 1e9).toFixed(2)} s of ${(cpuMicros / 1e6).toFixed(2)} s CPU in ${cpu.length} windows (${((share - 1) * 100).toFixed(2)} %), ${(elapsedMillis / 1e3).toFixed(1)} s elapsed`,
    );
    expect(Math.abs(share - 1)).toBeLessThan(0.01);
    expect(counts.failed).toEqual([]);
    expect(counts.answered).toBeGreaterThan(CLIENTS);
  } finally {
    await service.discard();
  }
});

async function demand(service: Service) {
  const random = randomNumbers(1);
  const counts = { answered: 0, left: 0, failed: [] as string[] };
  const end = performance.now() + SECONDS * 1_000;
  const client = async () => {
    while (performance.now() < end) {
      const kind = KINDS[Math.floor(random() * KINDS.length)] ?? '';
      const leaving = new AbortController();
      // Every fourth has no patience.
      const timer =
        random() < 0.25 ? setTimeout(() => leaving.abort(), random() * 2_000) : undefined;
      try {
        const response = await fetch(`${service.url}/debug/pprof/${kind}`, {
          signal: leaving.signal,
        });
        const { byteLength } = await response.arrayBuffer();
        if (response.status === 200 && byteLength > 0) counts.answered++;
        else counts.failed.push(`${kind}: ${response.status}`);
      } catch (error) {
        if (leaving.signal.aborted) counts.left++;
        else counts.failed.push(`${kind}: ${error}`);
      }
      clearTimeout(timer);
      await sleep(random() * 2_000);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return counts;
}
