/**
 * What an application notices while the server of its profiles is away: nothing. A service under load,
 * with windows of a second and attempts twice a second; a healthy server and each kind of outage in turns.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { median } from '../../bench/lib/statistics.mjs';
import { cleanEnvironment, programs, registerFile, withFolder } from '../helpers/programs.ts';
import { caFile, type Mood, Receiver, until } from '../helpers/receiver.ts';

const SECONDS = Number(process.env['TEST_SOAK_SECONDS'] ?? 600);
const CONNECTIONS = 4;
const PAUSE_MILLIS = 4;
const WARM_UP_MILLIS = 3_000;

interface Figures {
  readonly cpuMicros: number;
  readonly requests: number;
  readonly delayMillis: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly exporter: {
    readonly state: string;
    readonly failedAttempts: number;
    readonly waiting: number;
  };
}
interface Phase extends Figures {
  readonly latencyMillis: { readonly p50: number; readonly p99: number };
}

/** The service under load, its profiles going to `endpoint`. */
class Service {
  readonly #child;
  #port = 0;
  #latencies: number[] = [];
  readonly #ended = new AbortController();
  readonly #agent = new http.Agent({ keepAlive: true });

  constructor(folder: string, env: Record<string, string>) {
    this.#child = fork(join(programs, 'export/serves.mjs'), {
      execArgv: ['--require', registerFile],
      env: {
        ...cleanEnvironment(),
        SPANPROF_SERVICE_NAME: 'serves',
        SPANPROF_WINDOW_SECONDS: '1',
        SPANPROF_SPOOL_DIRECTORY: join(folder, 'spool'),
        SPANPROF_UPLOAD_TIMEOUT_SECONDS: '0.5',
        SPANPROF_UPLOAD_FIRST_RETRY_SECONDS: '0.25',
        SPANPROF_UPLOAD_MAX_RETRY_SECONDS: '0.5',
        ...env,
      },
      stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
    });
  }

  async up(): Promise<void> {
    const [{ port }] = (await once(this.#child, 'message')) as [{ port: number }];
    this.#port = port;
    for (let i = 0; i < CONNECTIONS; i++) void this.#load();
    await delay(WARM_UP_MILLIS);
  }

  async #load(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      const begin = performance.now();
      await new Promise<void>((resolve, reject) => {
        http
          .get({ port: this.#port, host: '127.0.0.1', agent: this.#agent }, (response) => {
            response.resume().once('end', resolve);
          })
          .once('error', reject);
      }).catch(() => delay(PAUSE_MILLIS));
      this.#latencies.push(performance.now() - begin);
      await delay(PAUSE_MILLIS);
    }
  }

  say(message: string): void {
    this.#child.send(message);
  }

  async figures(): Promise<Figures> {
    const answer = once(this.#child, 'message');
    this.say('figures');
    return ((await answer) as [Figures])[0];
  }

  /** What a stretch of that length costs. */
  async phase(millis: number): Promise<Phase> {
    await this.figures();
    this.#latencies = [];
    await delay(millis);
    const latencies = this.#latencies.sort((one, other) => one - other);
    const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
    return { ...(await this.figures()), latencyMillis: { p50: at(0.5), p99: at(0.99) } };
  }

  async down(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
    this.#agent.destroy();
  }
}

interface Outage {
  readonly begin: (server: Receiver, service: Service) => void | Promise<void>;
  readonly end: (server: Receiver, service: Service) => void | Promise<void>;
}
const mood = (bad: Mood): Outage => ({
  begin: (server) => {
    server.mood = bad;
  },
  end: (server) => {
    server.mood = 'ok';
  },
});
const names = (bad: 'unknown' | 'hanging'): Outage => ({
  begin: (server, service) => {
    service.say(bad);
    server.disconnect();
  },
  end: (_, service) => service.say('known'),
});
const outages: Record<string, Outage> = {
  down: { begin: (server) => server.down(), end: async (server) => void (await server.up()) },
  500: mood({ status: 500 }),
  503: mood({ status: 503 }),
  429: mood({ status: 429 }),
  hanging: mood('hang'),
  reset: mood('reset'),
  'unknown name': names('unknown'),
  'hanging resolver': names('hanging'),
};
const overTls: Record<string, Outage> = {
  'untrusted certificate': {
    begin: (server) => server.present('untrusted'),
    end: (server) => server.present('trusted'),
  },
};

/** Of several phases the median of each figure. */
function typical(phases: readonly Phase[]) {
  const of = (figure: (phase: Phase) => number) => median(phases.map(figure));
  return {
    cpuMicros: of(({ cpuMicros }) => cpuMicros),
    delayP50: of(({ delayMillis }) => delayMillis.p50),
    delayP99: of(({ delayMillis }) => delayMillis.p99),
    delayMax: of(({ delayMillis }) => delayMillis.max),
    latencyP50: of(({ latencyMillis }) => latencyMillis.p50),
    latencyP99: of(({ latencyMillis }) => latencyMillis.p99),
  };
}

/** What is worse than on a machine that others use as well: CPU in shares, times with a margin. */
function worse(healthy: readonly Phase[], bad: readonly Phase[]): string[] {
  const [before, during] = [typical(healthy), typical(bad)];
  const found: string[] = [];
  const check = (name: keyof typeof before, factor: number, margin: number) => {
    if (during[name] > before[name] * factor + margin) {
      found.push(`${name}: ${during[name].toFixed(1)} instead of ${before[name].toFixed(1)}`);
    }
  };
  check('cpuMicros', 1.3, 0);
  check('delayP99', 2, 20);
  check('delayMax', 2, 200);
  check('latencyP50', 1.5, 5);
  check('latencyP99', 2, 50);
  return found;
}

test('an outage costs the application nothing that it would notice', async () => {
  await withFolder(async (folder) => {
    const plain = await new Receiver().up();
    const tls = await new Receiver(true).up();
    const results = new Map<string, { healthy: Phase[]; bad: Phase[] }>();
    const kinds = [...Object.entries(outages), ...Object.entries(overTls)];
    const rounds = 3;
    const phaseMillis = Math.max(1_500, (SECONDS * 1_000) / kinds.length / rounds / 2);
    const through = async (server: Receiver, service: Service, some: Record<string, Outage>) => {
      for (let round = 0; round < rounds; round++) {
        for (const [name, { begin, end }] of Object.entries(some)) {
          const result = results.get(name) ?? { healthy: [], bad: [] };
          results.set(name, result);
          result.healthy.push(await service.phase(phaseMillis));
          await begin(server, service);
          const phase = await service.phase(phaseMillis);
          result.bad.push(phase);
          await end(server, service);
          expect(phase.exporter, name).toMatchObject({ state: 'waiting' });
          // What waited is sent before the next comparison begins.
          let figures = await service.figures();
          const deadline = Date.now() + 60_000;
          while (figures.exporter.waiting > 8 && Date.now() < deadline) {
            await delay(100);
            figures = await service.figures();
          }
        }
      }
    };
    const named = plain.url.replace('127.0.0.1', 'pyroscope.test');
    const service = new Service(folder, { SPANPROF_PYROSCOPE_ENDPOINT: named });
    const overTlsService = new Service(join(folder, 'tls'), {
      SPANPROF_PYROSCOPE_ENDPOINT: tls.url,
      SPANPROF_PYROSCOPE_CA_FILE: caFile,
    });
    try {
      await service.up();
      await through(plain, service, outages);
      // That the comparison can fail: a block of the event loop is seen.
      const comparing = service.phase(phaseMillis);
      await delay(phaseMillis / 4);
      service.say('block');
      const blocked = await comparing;
      const healthy = results.get('down')?.healthy ?? [];
      expect(worse(healthy, [blocked, blocked])).not.toEqual([]);
      await service.down();
      await overTlsService.up();
      await through(tls, overTlsService, overTls);
      await until(() => plain.stored.length > 0 && tls.stored.length > 0);
    } finally {
      await service.down();
      await overTlsService.down();
      await plain.down();
      await tls.down();
    }
    const lines = [...results].map(([name, { healthy, bad }]) => {
      const [before, during] = [typical(healthy), typical(bad)];
      const pair = (key: keyof typeof before, digits = 1) =>
        `${before[key].toFixed(digits)} → ${during[key].toFixed(digits)}`;
      return [
        name.padEnd(22),
        `CPU µs a request ${pair('cpuMicros', 0)} (${(during.cpuMicros / before.cpuMicros).toFixed(2)})`,
        `delay p50 ${pair('delayP50')} p99 ${pair('delayP99')} max ${pair('delayMax', 0)} ms`,
        `latency p50 ${pair('latencyP50')} p99 ${pair('latencyP99')} ms`,
      ].join('  ');
    });
    console.log(lines.join('\n'));
    for (const [name, { healthy, bad }] of results) expect(worse(healthy, bad), name).toEqual([]);
  });
});
