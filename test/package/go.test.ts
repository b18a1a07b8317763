import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { majors, nodeBinary } from '../../scripts/nodes.mjs';
import { goToolPprof, readWithGo } from '../helpers/go.ts';
import { profileFiles, root, runProgram } from '../helpers/programs.ts';

const run = promisify(execFile);
const agents = ['research_agent', 'writer_agent', 'analyst_agent'];

test('the checker is well-formed Go', async () => {
  const cwd = join(root, 'test/tools/pprof-check');
  expect((await run('gofmt', ['-l', '.'], { cwd })).stdout).toBe('');
  await run('go', ['vet', './...'], { cwd });
  await run('go', ['mod', 'verify'], { cwd });
});

describe.each(majors)('the demo on Node %i', (major) => {
  test('ends well, and Go reads what it wrote', async () => {
    const result = await runProgram('scripts/demo.mjs', {
      node: nodeBinary(major),
      timeoutMillis: 120_000,
    });
    expect(result).toMatchObject({ code: 0, signal: null });
    const folder = /^Profiles in (profiles\/demo-\S+?)\/?$/m.exec(result.stdout)?.[1];
    if (folder === undefined) throw new Error(`the demo does not say where\n${result.stdout}`);
    const files = profileFiles(join(root, folder));
    const pathsOf = (type: string) =>
      files.filter(({ profileType }) => profileType === type).map(({ path }) => path);
    const checks = await readWithGo(files.map(({ path }) => path));
    expect(checks.filter(({ error }) => error !== undefined)).toEqual([]);

    const cpu = pathsOf('cpu');
    const tags = await goToolPprof(['-tags', ...cpu]);
    for (const agent of agents) expect(tags).toContain(`: ${agent}\n`);
    for (const agent of agents) {
      const top = await goToolPprof(['-top', `-tagfocus=agent_name=${agent}`, ...cpu]);
      expect(top).toMatch(/^Showing nodes accounting for [1-9]/m);
    }
    for (const type of ['wall', 'heap']) {
      expect(await goToolPprof(['-top', ...pathsOf(type)])).toMatch(/^Type: /m);
    }
    const sources = new Set(checks.flatMap(({ functions }) => functions.map(({ file }) => file)));
    expect([...sources].some((file) => file.endsWith('examples/agent-service/src/runner.ts'))).toBe(
      true,
    );
    rmSync(join(root, folder), { recursive: true });
  });
});
