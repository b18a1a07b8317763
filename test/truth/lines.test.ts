/** Which line burned is known; the profile must say so, in the TypeScript that was written. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { decode } from '../../src/profile/decode.ts';
import { profileFiles, registerFile, root, runProgram, withFolder } from '../helpers/programs.ts';

/** Line 8 does a quarter of the work, line 9 the rest. Types and comments vanish when compiled. */
const SOURCE = `import { run } from 'spanprof';

interface Job {
  readonly turns: number;
}
export function hot(job: Job): number {
  let x: number = 0;
  for (let i = 0; i < job.turns; i++) x += Math.sqrt(i);
  for (let i = 0; i < 3 * job.turns; i++) x += Math.sqrt(i);
  return x;
}
type Unused = { readonly nothing: string };
const until: number = performance.now() + Number(process.argv[2]);
for (let i = 0; performance.now() < until; i++) {
  run({ agent_name: \`agent-\${i % 3}\` }, hot, { turns: 2_000_000 } satisfies Job);
}
`;

test('samples stand at the lines of the TypeScript source', async () => {
  await withFolder(async (folder) => {
    const source = join(folder, 'src/app.ts');
    const compiled = ts.transpileModule(SOURCE, {
      fileName: 'app.ts',
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ES2022,
        sourceMap: true,
        sourceRoot: '../src',
        removeComments: true,
      },
    });
    mkdirSync(join(folder, 'src'));
    mkdirSync(join(folder, 'out'));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/spanprof'));
    writeFileSync(source, SOURCE);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'out/app.js'), compiled.outputText);
    writeFileSync(join(folder, 'out/app.js.map'), compiled.sourceMapText ?? '');
    const profiles = join(folder, 'profiles');
    const result = await runProgram(join(folder, 'out/app.js'), {
      args: ['4000'],
      cwd: folder,
      nodeArgs: ['--require', registerFile],
      env: { SPANPROF_FILE_DIRECTORY: profiles, SPANPROF_CPU_FREQUENCY_HERTZ: '1000' },
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });

    const cpuByLine = new Map<number, number>();
    for (const file of profileFiles(profiles).filter(({ profileType }) => profileType === 'cpu')) {
      const { samples, stacks, locations, functions } = decode(readFileSync(file.path));
      samples.stack.forEach((leaf, i) => {
        const location = stacks.location[leaf] ?? 0;
        const index = locations.function[location] ?? 0;
        if (functions.name[index] !== 'hot') return;
        expect(functions.file[index]).toBe(source);
        expect(functions.startLine[index]).toBe(6);
        const line = locations.line[location] ?? 0;
        cpuByLine.set(line, (cpuByLine.get(line) ?? 0) + (samples.values[1]?.[i] ?? 0));
      });
    }
    const quarter = cpuByLine.get(8) ?? 0;
    const rest = cpuByLine.get(9) ?? 0;
    const all = [...cpuByLine.values()].reduce((sum, value) => sum + value, 0);
    expect((quarter + rest) / all).toBeGreaterThan(0.97);
    expect(Math.abs(quarter / (quarter + rest) - 0.25)).toBeLessThan(0.04);
  });
});
