import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENTRIES } from '../../scripts/build-dist.mjs';
import { majors, nodeBinary } from '../../scripts/nodes.mjs';
import { readSources } from '../helpers/imports.ts';
import {
  cleanEnvironment,
  profileFiles,
  root,
  runProgram,
  withFolder,
} from '../helpers/programs.ts';

const run = promisify(execFile);
const minuteMillis = 60_000;

/** Burns CPU and holds memory for a moment, then says what spanprof made of it. */
const app = `
const kept = [];
const end = performance.now() + 400;
while (performance.now() < end) kept.push({ text: 'x'.repeat(kept.length % 100) });
import('spanprof').then(({ run, status }) => {
  const { state, cpu, heap, mechanism } = status();
  console.log(JSON.stringify([state, cpu.state, cpu.engine, heap.state, mechanism, run({ a: 'b' }, () => kept.length > 0)]));
});`;

let workspace = '';
/** An empty project with the tarball installed, by a npm that finds no compiler. */
let project = '';
let installed = '';
let tarball = '';

beforeAll(async () => {
  workspace = mkdtempSync(join(tmpdir(), 'spanprof-pack-'));
  await run('npm', ['pack', '--pack-destination', workspace], {
    cwd: root,
    env: cleanEnvironment(),
  });
  const [name = ''] = readdirSync(workspace);
  tarball = join(workspace, name);
  project = join(workspace, 'project');
  installed = join(project, 'node_modules/spanprof');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true }\n');
  await run('npm', ['install', '--no-audit', '--no-fund', tarball], {
    cwd: project,
    env: { ...cleanEnvironment(), PATH: withoutCompilers() },
  });
}, 5 * minuteMillis);

afterAll(() => {
  rmSync(workspace, { recursive: true, force: true });
});

/** A PATH on which there is Node, npm and a shell, and nothing else. */
function withoutCompilers(): string {
  const folder = join(workspace, 'bin');
  mkdirSync(folder, { recursive: true });
  for (const name of ['node', 'npm', 'sh']) {
    const found = (process.env['PATH'] ?? '')
      .split(':')
      .map((path) => join(path, name))
      .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
    if (found === undefined) throw new Error(`${name} is not on the PATH`);
    const link = join(folder, name);
    if (!statSync(link, { throwIfNoEntry: false })) symlinkSync(found, link);
  }
  return folder;
}

async function packedFiles(): Promise<string[]> {
  const { stdout } = await run('tar', ['-tzf', tarball]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.replace(/^package\//, ''))
    .sort();
}

/** What is loaded on demand, and what several entries share. */
function chunks(): string[] {
  const names = readdirSync(join(root, 'dist/chunks'));
  expect(names.filter((name) => !name.endsWith('.js'))).toEqual([]);
  expect(names).toContain('agent.js');
  return names.map((name) => `dist/chunks/${name}`);
}

describe('the tarball', () => {
  test('holds what users need and nothing else', async () => {
    const files = await packedFiles();
    const types = [...readSources(join(root, 'src')).keys()].map(
      (file) => `dist/${file.replace(/\.ts$/, '')}.d.ts`,
    );
    const bundled = [...ENTRIES.map((name) => `dist/${name}.js`), ...chunks()];
    const assets = readdirSync(join(root, 'src/pages/assets'))
      .filter((name) => /\.(css|js)$/.test(name))
      .map((name) => `dist/pages/assets/${name}`);
    const native = readdirSync(join(root, 'native')).map((name) => `native/${name}`);
    const prebuilt = ['115', '127', '137', '147'].map(
      (abi) => `prebuilds/linux-x64/spanprof.abi${abi}.glibc.node`,
    );
    const rest = [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'binding.gyp',
      'package.json',
      'dist/register.cjs',
      'dist/register.d.cts',
    ];
    expect(files).toEqual(
      [
        ...types,
        ...bundled,
        ...assets,
        ...native,
        ...prebuilt,
        ...rest,
        'scripts/install.mjs',
      ].sort(),
    );
  });

  test('is small', () => {
    const packedKib = statSync(tarball).size / 1024;
    console.log(`tarball: ${Math.round(packedKib)} KiB`);
    // Four addons of 70 KiB and the JavaScript; more means that something slipped in.
    expect(packedKib).toBeLessThan(600);
  });
});

describe('installed into an empty project without a compiler', () => {
  test('npm compiled nothing', () => {
    expect(statSync(join(installed, 'build'), { throwIfNoEntry: false })).toBeUndefined();
  });

  describe.each(majors)('Node %i', (major) => {
    test.each(['--require', '--import'])('%s spanprof/register profiles', async (flag) => {
      await withFolder(async (folder) => {
        const result = await runProgram('-e', {
          node: nodeBinary(major),
          nodeArgs: [flag, 'spanprof/register'],
          args: [app],
          cwd: project,
          env: { SPANPROF_FILE_DIRECTORY: folder, PATH: withoutCompilers() },
        });
        expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
        const [state, cpu, engine, heap, , returned] = JSON.parse(result.stdout) as unknown[];
        expect([state, cpu, engine, heap, returned]).toEqual([
          ...['running', 'running', 'native', 'running'],
          true,
        ]);
        const types = profileFiles(folder).map(({ profileType }) => profileType);
        expect(types.sort()).toEqual(['allocs', 'cpu', 'heap', 'wall']);
      });
    });

    test('the install script says nothing and does nothing', async () => {
      const result = await runProgram(join(installed, 'scripts/install.mjs'), {
        node: nodeBinary(major),
        cwd: installed,
        env: { PATH: withoutCompilers() },
      });
      expect(result).toMatchObject({ code: 0, stdout: '', stderr: '' });
      expect(statSync(join(installed, 'build'), { throwIfNoEntry: false })).toBeUndefined();
    });
  });

  test('its types are there for a TypeScript program', async () => {
    writeFileSync(
      join(project, 'typed.ts'),
      `import { run, type Status, start } from 'spanprof';
       import { endpoint } from 'spanprof/endpoint';
       import 'spanprof/register';
       export const answer: Promise<Response> = endpoint({ token: 't' }).fetch(new Request('http://a/'));
       export const status: Promise<Status> = start({ windowSeconds: 5 });
       export const sum: number = run({ agent_name: 'a' }, (x: number) => x + 1, 2);
       // @ts-expect-error the option does not exist
       void start({ windowsSeconds: 5 });
      `,
    );
    const typeRoots = [join(root, 'node_modules/@types')];
    const compilerOptions = { strict: true, module: 'nodenext', types: ['node'], typeRoots };
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['typed.ts'] }),
    );
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const stdout = await run(process.execPath, [compiler, '--noEmit'], { cwd: project }).then(
      (output) => output.stdout,
      (error: { stdout: string }) => error.stdout,
    );
    expect(stdout).toBe('');
  });
});

describe('on a machine that no prebuilt addon fits', () => {
  beforeAll(() => {
    rmSync(join(installed, 'prebuilds'), { recursive: true });
  });

  test('without a compiler: one line at installation, and the program runs', async () => {
    const environment = { PATH: withoutCompilers(), ...(await nodeGyp()) };
    const result = await runProgram(join(installed, 'scripts/install.mjs'), {
      cwd: installed,
      env: environment,
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toBe(
      `spanprof: no native addon for linux-x64 ABI ${process.versions.modules} and none could be compiled; it runs with reduced features\n`,
    );
    await withFolder(async (folder) => {
      const program = await runProgram('-e', {
        nodeArgs: ['--require', 'spanprof/register'],
        args: [app],
        cwd: project,
        env: { SPANPROF_FILE_DIRECTORY: folder },
      });
      expect(program).toMatchObject({ code: 0, signal: null });
      expect(program.stderr).toMatch(/^spanprof: native addon not available .*\n$/);
      expect(JSON.parse(program.stdout)).toEqual([
        ...['running', 'running', 'portable', 'running'],
        ...['hooks', true],
      ]);
    });
  });

  test('with a compiler: the addon is built from source and used', async () => {
    const result = await runProgram(join(installed, 'scripts/install.mjs'), {
      cwd: installed,
      env: await nodeGyp(),
      timeoutMillis: 3 * minuteMillis,
    });
    expect(result).toMatchObject({ code: 0, stdout: '', stderr: '' });
    await withFolder(async (folder) => {
      const program = await runProgram('-e', {
        nodeArgs: ['--require', 'spanprof/register'],
        args: [app],
        cwd: project,
        env: { SPANPROF_FILE_DIRECTORY: folder },
      });
      expect(program).toMatchObject({ code: 0, signal: null, stderr: '' });
      expect(JSON.parse(program.stdout)).toEqual(expect.arrayContaining(['native']));
    });
  });
});

/** What npm sets for install scripts: where its own node-gyp is. */
async function nodeGyp(): Promise<Record<string, string>> {
  const { stdout } = await run('npm', ['root', '--global'], { env: cleanEnvironment() });
  const file = join(
    dirname(stdout.trim()),
    'node_modules/npm/node_modules/node-gyp/bin/node-gyp.js',
  );
  return { npm_config_node_gyp: file };
}
