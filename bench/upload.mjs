/**
 * What does it cost to send profiles to Pyroscope? The same load under spanprof and under
 * @pyroscope/nodejs, each in a process of its own, to a server in this process that counts bytes.
 *
 *     node bench/upload.mjs [--quick] [--json]      needs `npm run build` before; 4 minutes, 1 with --quick
 *
 * "KiB/h" is what the bodies of all requests would be in an hour of that load: CPU, wall and heap at
 * 100 Hz. "CPU per upload" sends one and the same wall profile of that load again and again: encode,
 * compress, for spanprof also the spool and the removal of labels, and the request; user and system
 * time of all threads of the process.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../scripts/nodes.mjs';

const isQuick = process.argv.includes('--quick');
const WINDOW_SECONDS = isQuick ? 10 : 60;
const WINDOWS = 2;
const UPLOADS = isQuick ? 60 : 300;
const SECONDS_PER_HOUR = 3_600;
/** What the mission assumes for 100 Hz. */
const BUDGET_KIB_PER_HOUR = 6 * 1024;

const LOAD = `
  const names = ['plan', 'search', 'rank', 'parse', 'write', 'check', 'fold', 'join'];
  const steps = names.map((name, i) => new Function('depth', 'next', \`
    return function \${name}(n) { let x = n; for (let j = 0; j < 400; j++) x = Math.imul(x, 31) + j | 0;
      return depth.value-- > 0 ? next()(x) : JSON.stringify({ x, list: Array(50).fill(x) }).length; }\`));
  const depth = { value: 0 };
  const calls = steps.map((make) => make(depth, () => calls[depth.value * 7 % calls.length]));
  globalThis.load = async (millis, wrap) => {
    const until = performance.now() + millis;
    for (let i = 0; performance.now() < until; i++) {
      await wrap(i, async () => {
        for (let k = 0; k < 30; k++) { depth.value = 5 + (i + k) % 20; calls[k % calls.length](k); }
        await new Promise((done) => setTimeout(done, 4));
        for (let k = 0; k < 30; k++) { depth.value = 5 + (i * k) % 20; calls[k % calls.length](k); }
      });
    }
  };`;

const MILLIS = WINDOW_SECONDS * WINDOWS * 1_000 + 1_000;
const OURS = `
  import { run, stop } from ${JSON.stringify(join(root, 'dist/index.js'))};
  import './load.mjs';
  await load(${MILLIS}, (i, fn) => run({ agent_name: 'agent' + i % 3, session_id: 's' + i % 40, invocation_id: 'i' + i }, fn));
  await stop();`;
const THEIRS = `
  import { createRequire } from 'node:module';
  import './load.mjs';
  const pyroscope = createRequire(${JSON.stringify(join(root, 'bench/'))})('@pyroscope/nodejs');
  pyroscope.init({ serverAddress: process.env.SINK, appName: 'bench', flushIntervalMs: ${WINDOW_SECONDS * 1_000},
    wall: { collectCpuTime: true, samplingDurationMs: ${WINDOW_SECONDS * 1_000} } });
  pyroscope.start();
  await load(${MILLIS}, (i, fn) => pyroscope.wrapWithLabels({ agent_name: 'agent' + i % 3 }, fn) ?? fn());
  await pyroscope.stop();
  process.exit();`;
const MEASURE = `
  const before = process.cpuUsage();
  for (let i = 0; i < ${UPLOADS}; i++) await upload(i);
  const { user, system } = process.cpuUsage(before);
  console.log((user + system) / ${UPLOADS});
  process.exit();`;
const OUR_UPLOADS = `
  import { readFileSync } from 'node:fs';
  import { decode } from ${JSON.stringify(join(root, '.cache/modules/profile/decode.js'))};
  import { Delivery } from ${JSON.stringify(join(root, '.cache/modules/export/delivery.js'))};
  import { PyroscopeDestination } from ${JSON.stringify(join(root, '.cache/modules/export/pyroscope/pyroscope.js'))};
  import { QueueExporter } from ${JSON.stringify(join(root, '.cache/modules/export/queue.js'))};
  const profile = decode(readFileSync(process.env.PROFILE));
  const destination = new PyroscopeDestination({ endpoint: process.env.SINK, seriesLabels: ['agent_name'] });
  const queue = new QueueExporter(destination, { spoolDirectory: process.env.SPOOL, spoolMaxBytes: 1e9,
    spoolMaxAgeMillis: 1e9, windowMillis: 6e4, timeoutMillis: 1e4, firstRetryMillis: 1e3, maxRetryMillis: 1e3, report: console.error });
  const delivery = new Delivery([{ exporter: queue, route: {} }], { serviceName: 'bench', processId: 1, threadId: undefined },
    { inTurns: true, whole: (action) => action() });
  const upload = async () => { delivery.deliver({ profileType: profile.profileType, build: () => profile }); await delivery.drain(); };
  // Only what is timed keeps the process alive; uploads do not.
  setInterval(() => {}, 1e6);
  for (let i = 0; i < 20; i++) await upload(i);
  ${MEASURE}`;
const THEIR_UPLOADS = `
  import { readFileSync } from 'node:fs';
  import { gunzipSync } from 'node:zlib';
  import { createRequire } from 'node:module';
  const require = createRequire(${JSON.stringify(join(root, 'bench/'))});
  const { PyroscopeApiExporter } = require(require.resolve('@pyroscope/nodejs').replace(/index\\.js$/, 'pyroscope-api-exporter.js'));
  const { Profile } = createRequire(require.resolve('@pyroscope/nodejs'))('pprof-format');
  const bytes = gunzipSync(readFileSync(process.env.PROFILE));
  const exporter = new PyroscopeApiExporter('bench', undefined, process.env.SINK, {});
  const profiles = Array.from({ length: ${UPLOADS} + 20 }, () => Profile.decode(bytes));
  const upload = (i) => exporter.export({ profile: profiles[i], startedAt: new Date(), stoppedAt: new Date() });
  for (let i = 0; i < 20; i++) await upload(${UPLOADS} + i);
  ${MEASURE}`;

const folder = mkdtempSync(join(tmpdir(), 'spanprof-bench-'));
/** @type {{ uploads: number, bytes: number }} */
let seen = { uploads: 0, bytes: 0 };
const sink = createServer(async (request, response) => {
  let bytes = 0;
  for await (const chunk of request) bytes += chunk.length;
  if (request.method === 'POST') seen = { uploads: seen.uploads + 1, bytes: seen.bytes + bytes };
  response.end('{}');
}).listen(0, '127.0.0.1');
await once(sink, 'listening');
const { port } = /** @type {import('node:net').AddressInfo} */ (sink.address());
const SINK = `http://127.0.0.1:${port}`;

try {
  console.log(`${availableParallelism()} × ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}`);
  console.log(`Node ${process.version}, windows of ${WINDOW_SECONDS} s\n`);
  writeFileSync(join(folder, 'load.mjs'), LOAD);
  const profiles = join(folder, 'profiles');
  const spanprof = await bytesPerHour(OURS, ['--require', join(root, 'dist/register.js')], {
    SPANPROF_EXPORTERS: 'file,pyroscope',
    SPANPROF_FILE_DIRECTORY: profiles,
    SPANPROF_SPOOL_DIRECTORY: join(folder, 'spool'),
    SPANPROF_WINDOW_SECONDS: String(WINDOW_SECONDS),
    SPANPROF_PYROSCOPE_ENDPOINT: SINK,
  });
  const pyroscope = await bytesPerHour(THEIRS, [], {});
  const wall = readdirSync(profiles).filter((name) => name.endsWith('-wall.pb.gz'))[0] ?? '';
  const PROFILE = join(profiles, wall);
  const ours = Number(await run(OUR_UPLOADS, [], { PROFILE, SPOOL: join(folder, 'spool') }));
  const theirs = Number(await run(THEIR_UPLOADS, [], { PROFILE }));
  if (process.argv.includes('--json')) {
    const figures = ([uploads, kibEach, kibAnHour], micros) => ({
      ...{ uploads: Number(uploads), kibEach: Number(kibEach), kibAnHour: Number(kibAnHour) },
      cpuMillis: micros / 1_000,
    });
    process.send?.({
      type: 'result',
      windowSeconds: WINDOW_SECONDS,
      budgetKibAnHour: BUDGET_KIB_PER_HOUR,
      spanprof: figures(spanprof, ours),
      pyroscope: figures(pyroscope, theirs),
    });
  }
  row('', ['uploads', 'KiB each', 'KiB/h', 'CPU ms/upload']);
  row('spanprof', [...spanprof, (ours / 1_000).toFixed(2)]);
  row('@pyroscope/nodejs', [...pyroscope, (theirs / 1_000).toFixed(2)]);
  row('budget', ['', '', String(BUDGET_KIB_PER_HOUR), '']);
  console.log(
    `\nthe wall profile has ${(readFileSync(PROFILE).length / 1024).toFixed(1)} KiB compressed`,
  );
} finally {
  sink.closeAllConnections();
  sink.close();
  rmSync(folder, { recursive: true, force: true });
}

/** @param {string} source @param {readonly string[]} args @param {Record<string, string>} env */
async function bytesPerHour(source, args, env) {
  seen = { uploads: 0, bytes: 0 };
  await run(source, args, env);
  const { uploads, bytes } = seen;
  const perHour = (bytes / (MILLIS / 1_000)) * SECONDS_PER_HOUR;
  return [String(uploads), (bytes / uploads / 1024).toFixed(1), (perHour / 1024).toFixed(0)];
}

/** @param {string} source @param {readonly string[]} args @param {Record<string, string>} env */
async function run(source, args, env) {
  const file = join(folder, 'program.mjs');
  writeFileSync(file, source);
  const child = spawn(process.execPath, [...args, file], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', SINK, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`a program ended with ${code}`);
  return output;
}

/** @param {string} title @param {readonly string[]} cells */
function row(title, cells) {
  console.log(title.padEnd(19) + cells.map((cell) => cell.padStart(14)).join(''));
}
