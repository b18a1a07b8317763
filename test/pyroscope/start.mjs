/**
 * A real Pyroscope v1.12.0 on loopback, with everything it writes under a temporary folder. Builds it
 * the first time (some two minutes) from the module in `server/`; later starts take seconds.
 *
 *     node test/pyroscope/start.mjs            prints its URL; Ctrl-C ends it
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');
const READY_MILLIS = 120_000;
const LOOPBACK = '127.0.0.1';

/**
 * The binary of one of the commands in a module of this folder, built once per version of its sources.
 * @param {string} folder @param {string} target @param {readonly string[]} sources
 */
export async function buildGo(folder, target, sources) {
  const module = join(import.meta.dirname, folder);
  const hash = createHash('sha256');
  for (const name of sources) hash.update(readFileSync(join(module, name)));
  const cache = join(root, '.cache/pyroscope');
  const binary = join(cache, `${folder}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(binary)) return binary;
  mkdirSync(cache, { recursive: true });
  const unfinished = `${binary}.${process.pid}`;
  const args = ['build', '-trimpath', '-ldflags', '-s -w', '-o', unfinished, target];
  await promisify(execFile)('nice', ['go', ...args], { cwd: module, maxBuffer: 1 << 26 });
  renameSync(unfinished, binary);
  return binary;
}

/** Ports that were free a moment ago. @param {number} count @returns {Promise<number[]>} */
async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise((done) => server.listen(0, LOOPBACK, () => done(undefined)));
      return server;
    }),
  );
  const ports = servers.map(
    (server) => /** @type {import('node:net').AddressInfo} */ (server.address()).port,
  );
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/**
 * Starts a server; `flags` come on top of ours.
 * @param {readonly string[]} [flags]
 */
export async function startPyroscope(flags = []) {
  const binary = await buildGo('server', 'github.com/grafana/pyroscope/cmd/pyroscope', [
    'go.mod',
    'go.sum',
  ]);
  const folder = mkdtempSync(join(tmpdir(), 'spanprof-pyroscope-'));
  const [http = 0, grpc = 0, gossip = 0] = await freePorts(3);
  const child = spawn(
    binary,
    [
      '-target=all',
      `-server.http-listen-address=${LOOPBACK}`,
      `-server.http-listen-port=${http}`,
      `-server.grpc-listen-address=${LOOPBACK}`,
      `-server.grpc-listen-port=${grpc}`,
      `-memberlist.bind-addr=${LOOPBACK}`,
      `-memberlist.advertise-addr=${LOOPBACK}`,
      `-memberlist.bind-port=${gossip}`,
      // Without these it dials the machine's own address, and queries fail.
      ...['compactor', 'distributor', 'overrides-exporter', 'query-scheduler'].map(
        (part) => `-${part}.ring.instance-addr=${LOOPBACK}`,
      ),
      `-ingester.lifecycler.addr=${LOOPBACK}`,
      `-query-frontend.instance-addr=${LOOPBACK}`,
      `-store-gateway.sharding-ring.instance-addr=${LOOPBACK}`,
      '-storage.backend=filesystem',
      `-storage.filesystem.dir=${join(folder, 'storage')}`,
      `-pyroscopedb.data-path=${join(folder, 'data')}`,
      `-compactor.data-dir=${join(folder, 'compactor')}`,
      '-usage-stats.enabled=false',
      '-self-profiling.disable-push=true',
      '-log.level=warn',
      ...flags,
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    log = (log + chunk).slice(-8192);
  });
  const url = `http://${LOOPBACK}:${http}`;
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await new Promise((done) => child.once('close', done));
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const deadline = Date.now() + READY_MILLIS;
  for (;;) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`Pyroscope did not become ready:\n${log}`);
    }
    const isReady = await fetch(`${url}/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return { url, stop };
    await delay(200);
  }
}

/** The strict receiver of the newest API: see `strict/main.go`. */
export async function startStrictReceiver() {
  const binary = await buildGo('strict', '.', ['main.go', 'go.mod', 'go.sum']);
  const child = spawn(binary, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  const stop = async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
  };
  return { url: String(line).trim(), stop };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url, stop } = await startPyroscope(process.argv.slice(2));
  console.log(url);
  process.once('SIGINT', () => void stop());
  process.once('SIGTERM', () => void stop());
}
