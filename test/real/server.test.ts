import { type RunResult, runProgram } from '../helpers/programs.ts';
import type { Added } from '../helpers/unchanged.ts';
import { describeUnchanged } from '../helpers/unchanged.ts';

/** Rounds of six requests each. */
const rounds = 100;

describeUnchanged('a Fastify server under load', {
  run: serve,
  code: 0,
  stdout: /"answers":600,"statuses":\{"200":300,"400":100,"404":100,"500":100\}/,
  hot: /^(sort|handler|stringify)/,
});

/** The server in one process, its client in another; the client's summary is part of the output. */
async function serve(added: Added): Promise<RunResult> {
  let client: Promise<RunResult> | undefined;
  const server = await runProgram('test/programs/real/server.mjs', {
    ...added,
    timeoutMillis: 60_000,
    onStdout: (stdout, kill) => {
      const port = /listening on (\d+)/.exec(stdout)?.[1];
      if (port === undefined || client !== undefined) return;
      client = runProgram('test/programs/real/client.mjs', {
        args: [`http://127.0.0.1:${port}`, String(rounds)],
      });
      const end = () => kill('SIGTERM');
      client.then(end, end);
    },
  });
  if (client === undefined) throw new Error(`the server did not start\n${server.stderr}`);
  const { code, stdout, stderr } = await client;
  return {
    ...server,
    stdout: `${server.stdout.replace(/listening on \d+/, 'listening')}client ${code}\n${stdout}${stderr}`,
  };
}
