/** The example service under the preload, as `npm run demo` runs it, with Pyroscope beside the files. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readProfiles, samplesOf, total } from '../helpers/profiles.ts';
import { type RunResult, registerFile, root, runProgram, withFolder } from '../helpers/programs.ts';
import { type Backend, backends, canBuild } from './backends.ts';

const TYPES = [
  ['cpu', 'process_cpu:cpu:nanoseconds:cpu:nanoseconds'],
  ['wall', 'wall:wall:nanoseconds:wall:nanoseconds'],
  ['heap', 'memory:inuse_space:bytes:space:bytes'],
] as const;

interface Started {
  readonly url: string;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<RunResult>;
}

function start(name: string, env: Record<string, string>, nodeArgs: string[]): Promise<Started> {
  return new Promise((resolve, reject) => {
    const ended = runProgram(`examples/agent-service/dist/${name}.js`, {
      nodeArgs,
      env: { PORT: '0', ...env },
      timeoutMillis: 120_000,
      onStdout: (stdout, kill) => {
        const url = /http:\/\/\S+(?=\n)/.exec(stdout)?.[0];
        if (url) resolve({ url, kill, ended });
      },
    });
    ended.then(({ stderr }) => reject(new Error(`${name} ended: ${stderr}`)), reject);
  });
}

async function invoke(url: string, agent: string, number: number): Promise<void> {
  const response = await fetch(`${url}/agents/${agent}/invoke`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ session_id: `s${number}`, input: 'What drives the cost of energy?' }),
  });
  expect(response.status).toBe(200);
  await response.text();
}

describe.skipIf(!canBuild).each(Object.entries(backends))('%s', (_, startBackend) => {
  let backend: Backend;
  beforeAll(async () => {
    const compiler = ['node_modules/typescript/bin/tsc', '-p', 'examples/agent-service'];
    await promisify(execFile)(process.execPath, compiler, { cwd: root });
    backend = await startBackend();
  });
  afterAll(() => backend?.stop());

  test('CPU, wall and heap of the demo, each agent selectable, to the unit', async () => {
    // New in each attempt: the server keeps what an earlier one pushed.
    const service = `demo-${randomUUID()}`;
    await withFolder(async (folder) => {
      const model = await start('fake/main', { SPANPROF_ENABLED: 'false' }, []);
      const demo = await start(
        'main',
        {
          LLM_URL: model.url,
          SPANPROF_SERVICE_NAME: service,
          SPANPROF_EXPORTERS: 'file,pyroscope',
          SPANPROF_FILE_DIRECTORY: join(folder, 'profiles'),
          SPANPROF_SPOOL_DIRECTORY: join(folder, 'spool'),
          SPANPROF_PYROSCOPE_ENDPOINT: backend.url,
          SPANPROF_UPLOAD_EXIT_SECONDS: '20',
          SPANPROF_WINDOW_SECONDS: '2',
        },
        ['--require', registerFile],
      );
      const agents = ['research_agent', 'writer_agent', 'analyst_agent'];
      for (let round = 0; round < 12; round++) {
        await Promise.all(agents.map((agent) => invoke(demo.url, agent, round)));
      }
      demo.kill('SIGTERM');
      expect(await demo.ended).toMatchObject({ code: 0, stderr: '' });
      model.kill('SIGTERM');
      await model.ended;

      for (const [profileType, type] of TYPES) {
        const samples = readProfiles(join(folder, 'profiles'), profileType).flatMap(({ profile }) =>
          samplesOf(profile),
        );
        expect(await backend.total(service, type)).toBe(total(samples, 'value'));
        if (profileType === 'heap') continue; // a short run may leave nothing of one agent alive
        for (const agent of agents) {
          const sum = total(samples, 'value', ({ labels }) => labels['agent_name'] === agent);
          expect(sum).toBeGreaterThan(0);
          expect(await backend.total(service, type, { label: ['agent_name', agent] })).toBe(sum);
        }
      }
    });
  });
});
