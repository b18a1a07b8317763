import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goAvailable, goToolPprof, type ProfileCheck, readWithGo } from '../helpers/go.ts';
import { preloadOptions, profileFiles, programs, root, runProgram } from '../helpers/programs.ts';

const source = join(programs, 'go/two-agents.ts');

let folder = '';
/** Files of one type, oldest first. */
const pathsOf: Record<string, string[]> = { cpu: [], wall: [], heap: [], allocs: [] };
const checksOf: Record<string, ProfileCheck[]> = {
  cpu: [],
  wall: [],
  heap: [],
  allocs: [],
};

describe.skipIf(!goAvailable)('what Go reads from the profiles of a labelled program', () => {
  beforeAll(async () => {
    // Inside the checkout, so that the program finds spanprof under its name.
    mkdirSync(join(root, '.cache'), { recursive: true });
    folder = mkdtempSync(join(root, '.cache/go-'));
    const output = join(folder, 'profiles');
    const result = await runProgram(compile(source, folder), {
      nodeArgs: preloadOptions('import').nodeArgs,
      env: {
        SPANPROF_FILE_DIRECTORY: output,
        SPANPROF_WINDOW_SECONDS: '1',
        SPANPROF_SERVICE_NAME: 'two-agents',
        SPANPROF_CPU_FREQUENCY_HERTZ: '500',
      },
    });
    expect(result).toMatchObject({ code: 0, signal: null, stdout: 'kept true\n', stderr: '' });
    for (const { path, profileType } of profileFiles(output)) pathsOf[profileType]?.push(path);
    for (const [type, paths] of Object.entries(pathsOf)) checksOf[type] = await readWithGo(paths);
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('every file is valid and has the value types of its kind', () => {
    const valueTypes = {
      cpu: [
        { type: 'samples', unit: 'count' },
        { type: 'cpu', unit: 'nanoseconds' },
      ],
      wall: [
        { type: 'samples', unit: 'count' },
        { type: 'wall', unit: 'nanoseconds' },
      ],
      heap: [
        { type: 'inuse_objects', unit: 'count' },
        { type: 'inuse_space', unit: 'bytes' },
      ],
      allocs: [
        { type: 'alloc_objects', unit: 'count' },
        { type: 'alloc_space', unit: 'bytes' },
      ],
    };
    for (const [type, sampleTypes] of Object.entries(valueTypes)) {
      const isMemory = type === 'heap' || type === 'allocs';
      const checks = checksOf[type] ?? [];
      // Two seconds of work in windows of one.
      expect(checks.length).toBeGreaterThanOrEqual(2);
      for (const check of checks) {
        expect(check.error).toBeUndefined();
        expect(check.sampleTypes).toEqual(sampleTypes);
        expect(check.periodType).toEqual(
          isMemory ? { type: 'space', unit: 'bytes' } : sampleTypes[1],
        );
        // Odd, so that V8's sampler can be told by it.
        expect(check.period).toBe(isMemory ? 524_289 : 2_000_000);
        expect(check.durationNanos).toBeGreaterThan(0);
        expect(Math.abs(check.timeNanos / 1e6 - Date.now())).toBeLessThan(600_000);
        expect(check.comments.join('\n')).toContain('two-agents');
      }
    }
  });

  test('CPU time by label is what the program did', () => {
    const byAgent = sums('cpu', 'agent_name');
    expect(Object.keys(byAgent).sort()).toEqual(['planner', 'writer']);
    const { planner = 0, writer = 0 } = byAgent;
    expect(planner / (planner + writer)).toBeGreaterThan(0.6);
    expect(planner / (planner + writer)).toBeLessThan(0.73);
    expect(sums('cpu', 'tool_name')).toEqual({ maps: planner });
    expect(sums('cpu', 'session_id')).toEqual({ 's-1': planner });
    expect(sums('cpu', 'trace_id')).toEqual({ '0af7651916cd43dd8448eb211c80319c': writer });
    expect(Object.keys(sums('cpu', 'attempt')).sort()).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  test('functions have their TypeScript file and line', () => {
    const lines = readFileSync(source, 'utf8').split('\n');
    for (const name of ['planRoute', 'summarize', 'idleTalk']) {
      const start = lines.findIndex((line) => line.includes(`function ${name}(`)) + 1;
      const end = lines.indexOf('}', start) + 1;
      const found = (checksOf['cpu'] ?? [])
        .flatMap((check) => check.functions)
        .filter((entry) => entry.name === name);
      expect(found.length).toBeGreaterThan(0);
      for (const { file, line } of found) {
        expect(file).toBe(source);
        expect(line).toBeGreaterThanOrEqual(start);
        expect(line).toBeLessThanOrEqual(end);
      }
    }
  });

  test('go tool pprof -top takes one file and several', async () => {
    const { cpu = [], heap = [], allocs = [] } = pathsOf;
    expect(await goToolPprof(['-top', ...cpu])).toMatch(/\bplanRoute$/m);
    expect(await goToolPprof(['-top', cpu[0] ?? ''])).toMatch(/^Type: cpu$/m);
    expect(await goToolPprof(['-top', '-sample_index=samples', ...cpu])).toMatch(/\bsummarize$/m);
    expect(await goToolPprof(['-top', heap.at(-1) ?? ''])).toMatch(/^Type: inuse_space$/m);
    expect(await goToolPprof(['-top', ...heap])).toMatch(/\bplanRoute$/m);
    expect(await goToolPprof(['-top', allocs[0] ?? ''])).toMatch(/^Type: alloc_space$/m);
  });

  test('go tool pprof -tags lists the labels', async () => {
    const tags = await goToolPprof(['-tags', ...(pathsOf['cpu'] ?? [])]);
    expect(tags).toMatch(/^\s*agent_name: Total/m);
    expect(tags).toMatch(/%\): planner$/m);
    expect(tags).toMatch(/%\): writer$/m);
  });

  test('go tool pprof -tagfocus keeps the samples of one agent', async () => {
    const { cpu = [] } = pathsOf;
    const planner = await goToolPprof(['-top', '-tagfocus=agent_name=planner', ...cpu]);
    expect(planner).toMatch(/\bplanRoute$/m);
    expect(planner).not.toMatch(/\b(summarize|idleTalk)$/m);
    const others = await goToolPprof(['-top', '-tagignore=agent_name=.', ...cpu]);
    expect(others).toMatch(/\bidleTalk$/m);
    expect(others).not.toMatch(/\b(planRoute|summarize)$/m);
  });

  test('go tool pprof -list shows the TypeScript lines', async () => {
    const listing = await goToolPprof(['-list=planRoute', ...(pathsOf['cpu'] ?? [])]);
    expect(listing).toContain(`planRoute in ${source}`);
    expect(listing).toMatch(/^\s+[\d.]+m?s\s+[\d.]+m?s\s+\d+:/m);
  });
});

/** Label value → sum of the second value column over all files of a type. */
function sums(type: string, key: string): Record<string, number> {
  const byValue: Record<string, number> = {};
  for (const check of checksOf[type] ?? []) {
    for (const [value, totals] of Object.entries(check.labels[key] ?? {})) {
      byValue[value] = (byValue[value] ?? 0) + (totals[1] ?? 0);
    }
  }
  return byValue;
}

/** Compiles one file with a source map that points back to where it stands. */
function compile(file: string, folder: string): string {
  const output = ts.transpileModule(readFileSync(file, 'utf8'), {
    fileName: file,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      sourceMap: true,
    },
  });
  const map = { ...(JSON.parse(output.sourceMapText ?? '{}') as object), sources: [file] };
  writeFileSync(
    join(folder, 'two-agents.mjs'),
    output.outputText.replace(/two-agents\.js\.map/, 'two-agents.mjs.map'),
  );
  writeFileSync(join(folder, 'two-agents.mjs.map'), JSON.stringify(map));
  return join(folder, 'two-agents.mjs');
}
