import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { goAvailable, readWithGo } from '../helpers/go.ts';
import {
  preloadOptions,
  profileFiles,
  programs,
  root,
  runProgram,
  withFolder,
} from '../helpers/programs.ts';
import { TunnelProxy } from './proxy.ts';
import { CloudProfiler, caFile } from './server.ts';

const index = join(root, 'dist/index.js');
const program = (name: string) => join(programs, 'gcp', name);
let server: CloudProfiler;
let env: Record<string, string>;

beforeEach(async () => {
  server = await new CloudProfiler().listen();
  env = {
    ...server.environment,
    SPANPROF_SERVICE_NAME: 'checkout',
    SPANPROF_EXPORTERS: 'gcp',
    SPANPROF_GCP_ENDPOINT: server.endpoint,
    SPANPROF_GCP_CA_FILE: caFile,
  };
});

afterEach(() => server.close());

describe('a real program', () => {
  test('its CPU and memory arrive under the agents that used them', async () => {
    server.next.push({ want: 'CPU', duration: '1.5s' }, { want: 'HEAP' });
    const result = await runProgram(program('agents.mjs'), {
      args: [index, '2'],
      env: { ...env, SPANPROF_LABELS: 'Team=Search,service.version=1.4.2' },
    });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toMatchObject({ exported: 2, assigned: 2, dropped: {} });
    expect(server.violations).toEqual([]);
    expect(server.created[0]?.deployment).toEqual({
      projectId: 'meta-project',
      target: 'checkout',
      labels: { language: 'nodejs', zone: 'us-central1-a', version: '1.4.2' },
    });
    expect(server.handedIn.map(({ profileType }) => profileType)).toEqual(['CPU', 'HEAP']);
    expect(server.handedIn[0]?.labels).toEqual({ instance: 'vm-1', team: 'Search' });
    expect(server.created[0]?.profileType.slice(0, 3)).toEqual(['CPU', 'WALL', 'HEAP']);
    if (!goAvailable) return console.warn('Go is missing: what was handed in is not read');
    await withFolder(async (folder) => {
      const files = server.handedIn.map(({ profileType, pprof }) => {
        const file = join(folder, profileType);
        writeFileSync(file, pprof);
        return file;
      });
      const [cpu, heap] = await readWithGo(files);
      expect(cpu?.error).toBeUndefined();
      expect(heap?.error).toBeUndefined();
      expect(cpu?.durationNanos).toBeGreaterThan(1.49e9);
      const cpuNanos = cpu?.totals[1] ?? 0;
      expect(cpuNanos).toBeGreaterThan(0.1e9);
      const byAgent = cpu?.labels['agent_name'];
      expect(Object.keys(byAgent ?? {}).sort()).toEqual(['planner', 'writer']);
      const planner = byAgent?.['planner']?.[1] ?? 0;
      const writer = byAgent?.['writer']?.[1] ?? 0;
      expect(planner).toBeGreaterThan(writer);
      expect(planner + writer).toBeGreaterThan(cpuNanos * 0.5);
      expect(heap?.sampleTypes.map(({ type }) => type)).toEqual(['inuse_objects', 'inuse_space']);
      expect(Object.keys(heap?.labels['agent_name'] ?? {})).toContain('writer');
    });
  });

  test('files get every window beside it', async () => {
    await withFolder(async (folder) => {
      server.next.push({ want: 'WALL', duration: '0.5s' });
      const result = await runProgram(program('agents.mjs'), {
        args: [index, '1'],
        env: { ...env, SPANPROF_EXPORTERS: 'file,gcp', SPANPROF_FILE_DIRECTORY: folder },
      });
      expect(result).toMatchObject({ code: 0, stderr: '' });
      const types = profileFiles(folder).map(({ profileType }) => profileType);
      expect(types).toEqual(expect.arrayContaining(['cpu', 'wall', 'heap']));
      expect(server.handedIn.map(({ profileType }) => profileType)).toEqual(['WALL']);
    });
  });
});

describe('does not keep the process alive', () => {
  test('a program ends while the server holds the request', async () => {
    const preload = preloadOptions('import');
    const result = await runProgram(program('ends.mjs'), {
      ...preload,
      args: [index],
      env: { ...preload.env, ...env },
      timeoutMillis: 30_000,
    });
    expect(result).toMatchObject({ code: 0, stdout: 'the end\n', stderr: '' });
    expect(server.created).toHaveLength(1);
  });

  test('nor does it through a proxy', async () => {
    const proxy = await TunnelProxy.to(server.port);
    const preload = preloadOptions('import');
    try {
      const result = await runProgram(program('ends.mjs'), {
        ...preload,
        args: [index],
        env: {
          ...preload.env,
          ...env,
          https_proxy: proxy.url,
          // Google's library would ask even the metadata server through the proxy.
          no_proxy: '127.0.0.1',
        },
        timeoutMillis: 30_000,
      });
      expect(result).toMatchObject({ code: 0, stdout: 'the end\n', stderr: '' });
      expect(server.created).toHaveLength(1);
      expect(proxy.targets).toEqual([new URL(server.endpoint).host]);
    } finally {
      await proxy.close();
    }
  });
});

describe('says what is wrong at start, and the rest goes on', () => {
  const withFile = (folder: string) => ({
    ...env,
    SPANPROF_EXPORTERS: 'file,gcp',
    SPANPROF_FILE_DIRECTORY: folder,
  });

  test.each([
    [
      'a service name that the server refuses',
      { SPANPROF_SERVICE_NAME: '@Shop/Check Out' },
      'spanprof: Google Cloud Profiler is off: serviceName "@Shop/Check Out" is not one that Google Cloud takes (a-z, 0-9, "-", "_", "."); "shop-check-out" would do; everything else works\n',
    ],
    [
      'a project that is a path',
      { SPANPROF_GCP_PROJECT_ID: '../x' },
      'spanprof: Google Cloud Profiler is off: gcp.projectId "../x" is not the id of a project; everything else works\n',
    ],
    [
      'an endpoint without TLS',
      { SPANPROF_GCP_ENDPOINT: 'http://profiler.example.com' },
      'spanprof: Google Cloud Profiler is off: gcp.endpoint must be https: access tokens are sent to it; everything else works\n',
    ],
    [
      'a CA file that is not there',
      { SPANPROF_GCP_CA_FILE: '/nowhere/ca.pem' },
      "spanprof: Google Cloud Profiler is off: gcp.caFile: ENOENT: no such file or directory, open '/nowhere/ca.pem'; everything else works\n",
    ],
  ])('%s', async (_name, wrong, line) => {
    await withFolder(async (folder) => {
      const preload = preloadOptions('import');
      const result = await runProgram(program('short.mjs'), {
        ...preload,
        env: { ...preload.env, ...withFile(folder), ...wrong },
      });
      expect(result).toMatchObject({ code: 0, stdout: 'done\n', stderr: line });
      expect(profileFiles(folder).length).toBeGreaterThan(0);
      expect(server.created).toEqual([]);
    });
  });

  test('google-auth-library is not installed', async () => {
    await withFolder(async (folder) => {
      const installed = join(folder, 'node_modules/spanprof');
      mkdirSync(join(folder, 'node_modules/@datadog'), { recursive: true });
      for (const part of ['dist', 'prebuilds', 'package.json']) {
        cpSync(join(root, part), join(installed, part), { recursive: true });
      }
      for (const name of ['@datadog/pprof', 'pprof-format', 'smol-toml', 'undici']) {
        symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
      }
      const preload = preloadOptions('import', join(installed, 'dist/register.js'));
      const profiles = join(folder, 'profiles');
      const result = await runProgram(program('short.mjs'), {
        ...preload,
        env: { ...preload.env, ...withFile(profiles) },
      });
      expect(result).toMatchObject({
        code: 0,
        stdout: 'done\n',
        stderr:
          'spanprof: Google Cloud Profiler is off: the package google-auth-library is not installed; everything else works\n',
      });
      expect(profileFiles(profiles).length).toBeGreaterThan(0);
    });
  });
});
