/** What the queue does with what servers, disks and neighbours do to it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Destination, SendOutcome } from '../../src/export/destination.ts';
import type { EncodedProfile } from '../../src/export/exporter.ts';
import { PyroscopeDestination } from '../../src/export/pyroscope/pyroscope.ts';
import { QueueExporter, type QueueOptions } from '../../src/export/queue.ts';
import { bytes, milliseconds } from '../../src/units.ts';
import { Receiver, until } from '../helpers/receiver.ts';
import { numbersOf, range, windowOf } from './windows.ts';

let directory = '';
let reports: string[] = [];
const open: { close(): Promise<void> }[] = [];

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'spanprof-queue-'));
  reports = [];
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  fs.rmSync(directory, { recursive: true });
});

function queueTo(destination: Destination, options: Partial<QueueOptions> = {}): QueueExporter {
  const queue = new QueueExporter(destination, {
    spoolDirectory: directory,
    spoolMaxBytes: bytes(64 * 1024 * 1024),
    spoolMaxAgeMillis: milliseconds(3_600_000),
    windowMillis: milliseconds(1_000),
    timeoutMillis: milliseconds(10_000),
    firstRetryMillis: milliseconds(5),
    maxRetryMillis: milliseconds(60),
    report: (line) => reports.push(line),
    ...options,
  });
  open.push(queue);
  return queue;
}

async function receiver(): Promise<Receiver> {
  const server = await new Receiver().up();
  open.push({ close: () => server.down() });
  return server;
}

const pyroscope = ({ url }: Receiver) => new PyroscopeDestination({ endpoint: url });

const spooled = (): string[] =>
  fs
    .readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.spool'))
    .sort();

/** A destination that answers what it is told, and remembers. */
class Scripted implements Destination {
  readonly name: string;
  readonly address = 'nowhere';
  readonly seen: EncodedProfile[] = [];
  answer: (profile: EncodedProfile) => SendOutcome | Promise<SendOutcome> = () => ({
    kind: 'stored',
  });

  constructor(name = 'scripted') {
    this.name = name;
  }

  async send(profile: EncodedProfile): Promise<SendOutcome> {
    this.seen.push(profile);
    return this.answer(profile);
  }
  async close(): Promise<void> {}
}
const failing: SendOutcome = { kind: 'retry', reason: 'broken', isAnswer: true };

describe('answers', () => {
  test('what is refused is dropped, counted and never sent again; what follows flows', async () => {
    const server = await receiver();
    const queue = queueTo(pyroscope(server));
    server.mood = { status: 400, body: '{"code":"invalid_argument","message":"too many labels"}' };
    await queue.export(windowOf(1));
    server.mood = { status: 500, body: '{"message":"failed to unmarshal: unexpected EOF"}' };
    await queue.export(windowOf(2));
    server.mood = 'ok';
    await queue.export(windowOf(3));
    expect(numbersOf(server.stored)).toEqual([3]);
    expect(server.pushes).toHaveLength(3);
    expect(queue.status()).toMatchObject({ exported: 1, dropped: { PROFILE_REJECTED: 2 } });
    expect(queue.status().lastError).toContain('unexpected EOF');
    expect(reports).toEqual([expect.stringContaining('HTTP 400: too many labels')]);
    expect(spooled()).toEqual([]);
  });

  test.each([
    ['seconds', () => '1'],
    ['a date', () => new Date(Date.now() + 2_000).toUTCString()],
  ])('Retry-After in %s is honoured', async (_, retryAfter) => {
    const server = await receiver();
    const queue = queueTo(pyroscope(server));
    server.mood = { status: 429, headers: { 'retry-after': retryAfter() } };
    await queue.export(windowOf(1));
    server.mood = 'ok';
    await until(() => server.stored.length === 1);
    const [first, second] = server.pushes;
    // A date has whole seconds.
    expect((second?.atMillis ?? 0) - (first?.atMillis ?? 0)).toBeGreaterThan(950);
    expect(server.pushes).toHaveLength(2);
  });

  test('one that alone makes the server fail does not hold up the rest for ever', async () => {
    const server = new Scripted();
    const bad = windowOf(1);
    server.answer = ({ startMillis }) =>
      startMillis === bad.startMillis ? failing : { kind: 'stored' };
    const queue = queueTo(server);
    for (const window of [bad, ...range(2, 5).map((n) => windowOf(n))]) await queue.export(window);
    await until(
      () => queue.status().exported === 4,
      () => JSON.stringify(queue.status()),
    );
    expect(queue.status()).toMatchObject({ dropped: { PROFILE_REJECTED: 1 }, waiting: 0 });
    expect(reports.at(-1)).toMatch(/it failed 3[12] times, the next one did not/);
  });

  test('one that failed only with the server is not taken for the culprit', async () => {
    const server = new Scripted();
    server.answer = () => (server.seen.length <= 31 ? failing : { kind: 'stored' });
    const queue = queueTo(server);
    for (const number of range(1, 3)) await queue.export(windowOf(number));
    await until(
      () => queue.status().waiting === 0,
      () => JSON.stringify(queue.status()),
    );
    expect(queue.status()).toMatchObject({ exported: 3, dropped: {} });
  });

  test.each([undefined, 'stored', { kind: 'fine' }])('%j is no outcome', async (given) => {
    const server = new Scripted();
    Reflect.set(server, 'answer', () => given);
    const queue = queueTo(server);
    await queue.export(windowOf(1));
    expect(queue.status()).toMatchObject({ state: 'waiting', waiting: 1 });
    expect(queue.status().lastError).toContain('send() gave no outcome');
    server.answer = () => ({ kind: 'stored' });
    await until(() => queue.status().exported === 1);
  });

  test('an outcome that breaks the queue is said once, and the queue backs off', async () => {
    const server = new Scripted();
    server.answer = () => ({
      kind: 'retry',
      get reason(): string {
        throw new Error('a trap');
      },
    });
    const queue = queueTo(server);
    void queue.export(windowOf(1));
    await until(() => server.seen.length >= 4);
    expect(reports).toEqual([expect.stringContaining('internal error in scripted queue: a trap')]);
    expect(queue.status().state).toBe('waiting');
    server.answer = () => ({ kind: 'stored' });
    await until(() => queue.status().exported === 1);
  });

  test('a destination that throws, or never answers and ignores the signal, is one that fails', async () => {
    const server = new Scripted();
    const queue = queueTo(server, { timeoutMillis: milliseconds(50) });
    server.answer = () => {
      throw new Error('a bug');
    };
    await queue.export(windowOf(1));
    expect(queue.status().lastError).toContain('a bug');
    server.answer = () => new Promise(() => {});
    await until(() => queue.status().lastError?.includes('no answer within 0.05 s') ?? false);
    server.answer = () => ({ kind: 'stored' });
    await until(() => queue.status().exported === 1);
  });

  test('waits grow to the longest and are never shorter than half of it', async () => {
    const server = await receiver();
    const queue = queueTo(pyroscope(server), {
      firstRetryMillis: milliseconds(20),
      maxRetryMillis: milliseconds(80),
    });
    server.mood = { status: 503 };
    await queue.export(windowOf(1));
    await until(() => server.pushes.length >= 7);
    const at = server.pushes.map(({ atMillis }) => atMillis);
    const waits = at.slice(1).map((millis, i) => millis - (at[i] ?? 0));
    // Both clocks are in whole milliseconds.
    for (const [i, shortest] of [10, 20, 40, 40, 40, 40].entries()) {
      expect(waits[i]).toBeGreaterThanOrEqual(shortest - 1);
    }
  });
});

describe('the spool', () => {
  test('keeps within its bytes by dropping the oldest', async () => {
    const server = await receiver();
    const queue = queueTo(pyroscope(server), {
      spoolMaxBytes: bytes(10 * windowOf(10).pprof.byteLength),
      maxRetryMillis: milliseconds(10_000),
      firstRetryMillis: milliseconds(10_000),
    });
    server.mood = { status: 503 };
    for (const number of range(10, 40)) await queue.export(windowOf(number));
    const { dropped, spoolBytes, waiting } = queue.status();
    expect(dropped).toEqual({ SPOOL_FULL: 31 - waiting });
    expect(waiting).toBeGreaterThanOrEqual(9);
    expect(spoolBytes).toBeLessThanOrEqual(10 * windowOf(10).pprof.byteLength);
    await until(() => spooled().length === waiting);
    server.mood = 'ok';
    await queue.close();
    const next = queueTo(pyroscope(server));
    await until(() => next.status().exported === waiting);
    expect(numbersOf(server.stored)).toEqual(range(41 - waiting, 40));
    expect(reports.filter((line) => line.includes('more profiles wait'))).toHaveLength(1);
  });

  test('drops and counts what waited too long', async () => {
    const server = await receiver();
    const queue = queueTo(pyroscope(server), { spoolMaxAgeMillis: milliseconds(300_000) });
    await queue.export(windowOf(100)); // 500 s ago
    await queue.export(windowOf(400)); // 200 s ago
    expect(numbersOf(server.stored)).toEqual([400]);
    expect(queue.status().dropped).toEqual({ SPOOL_EXPIRED: 1 });
  });

  test('the age of a window counts from its end', async () => {
    const server = new Scripted();
    const minute = milliseconds(60_000);
    const queue = queueTo(server, { spoolMaxAgeMillis: minute, windowMillis: minute });
    const startMillis = milliseconds(Date.now() - 70_000);
    await queue.export({ ...windowOf(1), startMillis });
    expect(queue.status()).toMatchObject({ exported: 1, dropped: {} });
  });

  test('what nobody came for goes by its age, and blocks nobody before', async () => {
    const server = await receiver();
    server.mood = { status: 503 };
    const first = queueTo(new PyroscopeDestination({ endpoint: server.url, tenant: 'gone' }));
    await first.export(windowOf(100)); // 500 s ago
    await first.export(windowOf(400)); // 200 s ago
    await first.close();
    server.mood = 'ok';
    const options = { spoolMaxAgeMillis: milliseconds(300_000), spoolMaxBytes: bytes(1) };
    const queue = queueTo(pyroscope(server), options);
    await queue.adopt();
    expect(spooled()).toHaveLength(1);
    const windows = (['cpu', 'wall', 'heap'] as const).map((type) => windowOf(401, type));
    await Promise.all(windows.map((window) => queue.export(window)));
    expect(queue.status()).toMatchObject({ exported: 3, dropped: { SPOOL_EXPIRED: 1 } });
  });

  test.skipIf(process.getuid?.() !== 0)('of another user is left alone', async () => {
    const server = await receiver();
    server.mood = { status: 503 };
    const first = queueTo(pyroscope(server));
    await first.export(windowOf(1));
    await first.close();
    const [base = ''] = fs.readdirSync(directory);
    fs.chownSync(path.join(directory, base), 65_534, 65_534);
    server.mood = 'ok';
    const second = queueTo(pyroscope(server));
    await second.adopt();
    expect(second.status()).toMatchObject({ adopted: 0, waiting: 0 });
    expect(spooled()).toHaveLength(1);
  });

  test('takes a destination of any name', async () => {
    const server = new Scripted('../../a name');
    server.answer = () => failing;
    await queueTo(server).export(windowOf(1));
    expect(fs.readdirSync(directory)).toEqual([expect.stringMatching(/^\.\._\.\._a_name-/)]);
    expect(spooled()).toHaveLength(1);
  });

  test('is replayed in order by the next start, before what is new', async () => {
    const server = await receiver();
    server.mood = { status: 503 };
    const first = queueTo(pyroscope(server));
    for (const number of [3, 1, 2]) await first.export(windowOf(number));
    first.exportSync(windowOf(4));
    await first.close();
    expect(spooled()).toHaveLength(4);

    server.mood = 'ok';
    const second = queueTo(pyroscope(server));
    await until(() => second.status().exported === 4);
    await second.export(windowOf(5));
    expect(numbersOf(server.stored)).toEqual([1, 2, 3, 4, 5]);
    expect(second.status()).toMatchObject({ adopted: 4, exported: 5, waiting: 0 });
    expect(spooled()).toEqual([]);
  });

  test('finishes synchronously what is under way, and writes it once', async () => {
    const server = await receiver();
    const queue = queueTo(pyroscope(server));
    await queue.export(windowOf(0));
    server.mood = 'hang';
    const window = windowOf(1);
    void queue.export(window);
    queue.exportSync(window); // while it is being written
    expect(spooled()).toHaveLength(1);
    await until(() => server.pushes.length === 2);
    queue.exportSync(window); // while it is being sent
    expect(spooled()).toHaveLength(1);
  });

  test('sets a damaged file aside, says so, and goes on', async () => {
    const server = await receiver();
    server.mood = { status: 503 };
    const first = queueTo(pyroscope(server));
    for (const number of range(1, 5)) await first.export(windowOf(number));
    await first.close();
    const [cut = '', bent = '', header = ''] = spooled().map((name) => path.join(directory, name));
    fs.truncateSync(cut, fs.statSync(cut).size - 7);
    const data = fs.readFileSync(bent);
    data[data.length - 20] = (data[data.length - 20] ?? 0) ^ 1;
    fs.writeFileSync(bent, data);
    fs.writeFileSync(header, 'not ours');

    server.mood = 'ok';
    const second = queueTo(pyroscope(server));
    await until(() => second.status().exported === 2);
    expect(numbersOf(server.stored)).toEqual([4, 5]);
    expect(second.status().dropped).toEqual({ SPOOL_DAMAGED: 3 });
    const said = reports.filter((line) => line.includes('damaged'));
    expect(said).toHaveLength(1);
    const aside = /set aside as (.*); it is counted/.exec(said[0] ?? '')?.[1] ?? '';
    expect(fs.readdirSync(path.dirname(aside))).toHaveLength(3);
  });

  test('that cannot be written leaves profiles in memory', async () => {
    const file = path.join(directory, 'a-file');
    fs.writeFileSync(file, '');
    const server = await receiver();
    server.mood = { status: 503 };
    const queue = queueTo(pyroscope(server), { spoolDirectory: path.join(file, 'spool') });
    for (const number of range(1, 5)) await queue.export(windowOf(number));
    expect(queue.status()).toMatchObject({ waiting: 5, inMemoryOnly: 5, spoolBytes: 0 });
    expect(reports.filter((line) => line.includes('cannot be kept'))).toHaveLength(1);
    server.mood = 'ok';
    await until(() => queue.status().exported === 5);
    expect(numbersOf(server.stored)).toEqual(range(1, 5));
  });

  test('in memory it is bounded, too', async () => {
    const file = path.join(directory, 'a-file');
    fs.writeFileSync(file, '');
    const server = new Scripted();
    server.answer = () => failing;
    const queue = queueTo(server, { spoolDirectory: file });
    const large = (number: number) => ({ ...windowOf(number), pprof: new Uint8Array(1024 * 1024) });
    for (const number of range(1, 20)) await queue.export(large(number));
    const { waiting, dropped } = queue.status();
    expect(waiting).toBeLessThanOrEqual(9);
    expect(dropped).toEqual({ QUEUE_FULL: 20 - waiting });
  });

  test('survives somebody who tidies up its directory', async () => {
    const server = await receiver();
    server.mood = { status: 503 };
    const queue = queueTo(pyroscope(server));
    await queue.export(windowOf(1));
    for (const name of fs.readdirSync(directory)) {
      fs.rmSync(path.join(directory, name), { recursive: true });
    }
    await queue.export(windowOf(2));
    expect(spooled()).toHaveLength(1);
    server.mood = 'ok';
    await until(() => queue.status().waiting === 0);
    expect(numbersOf(server.stored)).toContain(2);
  });

  test('is for the owner only', async () => {
    const server = await receiver();
    server.mood = { status: 503 };
    const queue = queueTo(pyroscope(server));
    await queue.export(windowOf(1));
    const file = path.join(directory, spooled()[0] ?? '');
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    expect(fs.statSync(path.dirname(path.dirname(file))).mode & 0o777).toBe(0o700);
  });

  test('is not shared between tenants', async () => {
    const server = await receiver();
    server.mood = { status: 503 };
    const first = queueTo(new PyroscopeDestination({ endpoint: server.url, tenant: 'a' }));
    await first.export(windowOf(1));
    await first.close();
    server.mood = 'ok';
    const other = queueTo(new PyroscopeDestination({ endpoint: server.url, tenant: 'b' }));
    await other.export(windowOf(2));
    await delay(50);
    expect(numbersOf(server.stored)).toEqual([2]);
    expect(spooled()).toHaveLength(1);
  });
});

test('uploads, also repeated ones, run outside of what the application was doing', async () => {
  const application = new AsyncLocalStorage<string>();
  const server = new Scripted();
  const seen: (string | undefined)[] = [];
  server.answer = () => {
    seen.push(application.getStore());
    return seen.length < 3 ? failing : { kind: 'stored' };
  };
  const queue = application.run('a request', () => queueTo(server));
  await application.run('a request', () => queue.export(windowOf(1)));
  await until(() => queue.status().exported === 1);
  expect(seen).toEqual([undefined, undefined, undefined]);
});

test('a context manager without an active context does no harm', async () => {
  const api = Symbol.for('opentelemetry.js.api.1');
  const before = Reflect.get(globalThis, api);
  const context = { active: () => undefined, with: (_: unknown, fn: () => unknown) => fn() };
  Reflect.set(globalThis, api, { context });
  try {
    const queue = queueTo(new Scripted());
    await queue.export(windowOf(1));
    expect(queue.status().exported).toBe(1);
  } finally {
    if (before === undefined) Reflect.deleteProperty(globalThis, api);
    else Reflect.set(globalThis, api, before);
  }
});

test('flush gives what waits a last try, and only one', async () => {
  const server = await receiver();
  const hour = {
    firstRetryMillis: milliseconds(3_600_000),
    maxRetryMillis: milliseconds(3_600_000),
  };
  const queue = queueTo(pyroscope(server), hour);
  server.mood = { status: 503 };
  for (const number of range(1, 3)) await queue.export(windowOf(number));
  await queue.flush();
  expect(server.pushes).toHaveLength(2);
  server.mood = 'ok';
  await queue.flush();
  expect(numbersOf(server.stored)).toEqual([1, 2, 3]);
});

test('a slow destination does not delay another', async () => {
  const slow = await receiver();
  slow.mood = 'hang';
  const fast = await receiver();
  const slowQueue = queueTo(pyroscope(slow));
  const fastQueue = queueTo(pyroscope(fast));
  const pending = range(1, 5).map((number) => slowQueue.export(windowOf(number)));
  for (const number of range(1, 5)) await fastQueue.export(windowOf(number));
  expect(numbersOf(fast.stored)).toEqual(range(1, 5));
  expect(slowQueue.status()).toMatchObject({ exported: 0, waiting: 5 });
  await slowQueue.close();
  await Promise.all(pending);
});
