import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode } from '../../src/profile/decode.ts';
import { encode } from '../../src/profile/encode.ts';
import { filterByLabels } from '../../src/profile/filter.ts';
import { merge } from '../../src/profile/merge.ts';
import type { Profile } from '../../src/profile/model.ts';
import { formatTop } from '../../src/profile/top.ts';
import { profileFromText, samplesOf } from '../helpers/profile-from-text.ts';
import { randomProfile, totalsOf } from '../helpers/random-profile.ts';
import { requireTool } from '../helpers/tools.ts';

const go = requireTool('go');

const profile = profileFromText(
  `
  stack            main@app.ts:9+1    main@app.ts:9+1    main@app.ts:12+1  (idle)
                   walk@a.ts:22:5+20  walk@a.ts:22:5+20  größe@計.ts:31
                   walk@a.ts:23+20    walk@a.ts:23+20
                   walk@a.ts:23+20    parse@b.ts:32+30
  samples/count    3                  2                  1                 4
  cpu/nanoseconds  300000000          190000000          100000000         4000000
  labels           agent_name=plan    agent_name=plan    agent_name=größe  -
                   retries=0          retries=3          sent_bytes=2048
  `,
  { comments: ['service=shop', 'pid=42'] },
);

describe.skipIf(go === undefined)('go tool pprof', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'spanprof-go-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const write = (found: Profile, name = 'profile'): string => {
    const file = join(folder, `${name}.pb.gz`);
    writeFileSync(file, gzipSync(encode(found)));
    return file;
  };
  /** Its output. The tool is built at its first use, which takes a while. */
  const pprof = async (...args: readonly string[]): Promise<{ stdout: string; stderr: string }> => {
    const env = { ...process.env, TZ: 'UTC', PPROF_TMPDIR: folder };
    return promisify(execFile)(go ?? '', ['tool', 'pprof', ...args], { cwd: folder, env });
  };
  /** The rows of its table, from the line of headings on. */
  const table = (text: string): string[] =>
    text
      .trimEnd()
      .split('\n')
      .slice(text.split('\n').findIndex((line) => /flat%/.test(line)));
  /** Our table as its `-filefunctions` prints it: without the lines of functions. */
  const ours = (found: Profile): string[] =>
    table(formatTop(found)).map((line) => line.replace(/:\d+$/, ''));

  it('shows header, comments and totals and asks for no binary', { timeout: 180_000 }, async () => {
    const { stdout, stderr } = await pprof('-top', write(profile));
    expect(stderr).toBe('');
    expect(stdout.split('\n').slice(0, 6)).toEqual([
      'service=shop',
      'pid=42',
      'Type: cpu',
      'Time: 2026-09-21 14:13:20 UTC',
      'Duration: 60s, Total samples = 594ms ( 0.99%)',
      'Showing nodes accounting for 594ms, 100% of 594ms total',
    ]);
  });

  it('prints the same table as we do', { timeout: 60_000 }, async () => {
    const { stdout } = await pprof('-top', '-filefunctions', write(profile));
    expect(table(stdout)).toEqual(ours(profile));
    expect(table(stdout)).toHaveLength(6);
  });

  it('finds every label, also a number that is 0', { timeout: 60_000 }, async () => {
    const { stdout } = await pprof('-tags', write(profile));
    expect(
      stdout
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean),
    ).toEqual([
      'agent_name: Total 590ms of 594ms (99.33%)',
      '490ms (82.49%): plan',
      '100ms (16.84%): größe',
      'retries: Total 490ms of 594ms (82.49%)',
      '300ms (50.51%): 0',
      '190ms (31.99%): 3',
      'sent_bytes: Total 100ms of 594ms (16.84%)',
      '100ms (16.84%): 2kB',
    ]);
  });

  it.each<[string, (labels: Profile['labelSets'][number]) => boolean]>([
    ['agent_name=plan', (labels) => labels['agent_name'] === 'plan'],
    ['retries=0', (labels) => labels['retries'] === 0],
    ['retries=1:', (labels) => Number(labels['retries']) >= 1],
    ['sent_bytes=1kb:', (labels) => Number(labels['sent_bytes']) >= 1_024],
  ])('filters by %s as we do', { timeout: 60_000 }, async (tag, accepts) => {
    const { stdout } = await pprof('-top', '-filefunctions', `-tagfocus=${tag}`, write(profile));
    const flats = (rows: readonly string[]): string[] =>
      rows.slice(1).map((row) => `${row.slice(0, 10).trim()} ${row.split('  ').at(-1)}`);
    // Percentages differ by design: pprof goes on to count the whole profile as 100 %.
    const expected = flats(ours(filterByLabels(profile, accepts)));
    expect(flats(table(stdout))).toEqual(expected);
    expect(expected.length).toBeGreaterThan(1);
  });

  it('reads random profiles with every total right', { timeout: 120_000 }, async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const found = randomProfile(seed);
      const { stdout } = await pprof('-raw', write(found, `random-${seed}`));
      const rows = [...stdout.matchAll(/^ +(\d+) +(\d+): [\d ]+$/gm)];
      expect(rows, `seed ${seed}`).toHaveLength(found.samples.stack.length);
      // Sums of large values: as exact as a number is, on both sides in the same order.
      const sums = [1, 2].map((group) => rows.reduce((sum, row) => sum + Number(row[group]), 0));
      expect(sums, `seed ${seed}`).toEqual(totalsOf(found));
    }
  });

  it('merges to the same as we do', { timeout: 60_000 }, async () => {
    const other = profileFromText(`
      stack            main@app.ts:9+1    other@c.ts:1+1
                       walk@a.ts:22:5+20
      samples/count    1                  2
      cpu/nanoseconds  7000000            9000000
      labels           agent_name=plan    -
    `);
    const files = [write(profile, 'one'), write(other, 'two')];
    const output = join(folder, 'merged.pb.gz');
    await pprof('-proto', `-output=${output}`, ...files);
    const merged = decode(readFileSync(output));
    expect(samplesOf(merged, 'places')).toEqual(samplesOf(merge([profile, other]), 'places'));
    const { timeNanos, durationNanos, period, comments } = merge([profile, other]);
    expect(merged).toMatchObject({ timeNanos, durationNanos, period, comments });
  });
});
