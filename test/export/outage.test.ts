/** Every way a server fails, and what is there when it is over: every window once, in order. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Destination } from '../../src/export/destination.ts';
import { PyroscopeDestination } from '../../src/export/pyroscope/pyroscope.ts';
import { QueueExporter, type QueueOptions } from '../../src/export/queue.ts';
import { bytes, milliseconds } from '../../src/units.ts';
import { caFile, type Mood, Receiver, until } from '../helpers/receiver.ts';
import { Names } from './names.ts';
import { numbersOf, range, windowOf } from './windows.ts';

let directory = '';
let reports: string[] = [];
const open: { close(): Promise<void> }[] = [];

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'spanprof-outage-'));
  reports = [];
  names.take();
});
afterEach(async () => {
  names.giveBack();
  for (const one of open.splice(0)) await one.close();
  fs.rmSync(directory, { recursive: true });
});

/** Ten minutes of outage with waits of 1 to 60 s, a thousand times as fast. */
const OUTAGE_MILLIS = 600;
function queueTo(destination: Destination, options: Partial<QueueOptions> = {}): QueueExporter {
  const queue = new QueueExporter(destination, {
    spoolDirectory: directory,
    spoolMaxBytes: bytes(64 * 1024 * 1024),
    spoolMaxAgeMillis: milliseconds(3_600_000),
    windowMillis: milliseconds(1_000),
    timeoutMillis: milliseconds(2_000),
    firstRetryMillis: milliseconds(1),
    maxRetryMillis: milliseconds(60),
    report: (line) => reports.push(line),
    ...options,
  });
  open.push(queue);
  return queue;
}

async function receiver(isTls = false): Promise<Receiver> {
  const server = await new Receiver(isTls).up();
  open.push({ close: () => server.down() });
  return server;
}

/** Spooled profiles, wherever below the directory they are. */
const spooled = (): string[] =>
  fs
    .readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.spool'));

interface Outage {
  readonly begin: (server: Receiver) => void | Promise<void>;
  readonly end: (server: Receiver) => void | Promise<void>;
  readonly reason: RegExp;
  readonly options?: Partial<QueueOptions>;
  readonly isTls?: boolean;
  /** Reached by a name, and not by its address. */
  readonly isNamed?: boolean;
}

const mood = (bad: Mood, reason: RegExp, options: Partial<QueueOptions> = {}): Outage => ({
  begin: (server) => {
    server.mood = bad;
  },
  end: (server) => {
    server.mood = 'ok';
  },
  reason,
  options,
});

/** What is under way is cut off, and whoever comes back asks for the address of this name. */
const names = new Names('pyroscope.test');
const lookups = (bad: 'unknown' | 'hanging', reason: RegExp, options = {}): Outage => ({
  isNamed: true,
  begin: (server) => {
    names.mood = bad;
    server.disconnect();
  },
  end: () => {
    names.mood = 'ok';
  },
  reason,
  options,
});
// Longer than a busy machine takes to answer: an answer that comes too late is a window stored twice.
const short = { timeoutMillis: milliseconds(600) };

const outages: Record<string, Outage> = {
  down: {
    begin: (server) => server.down(),
    end: async (server) => void (await server.up()),
    reason: /ECONNREFUSED/,
  },
  'answering 500': mood({ status: 500 }, /HTTP 500: broken/),
  'answering 503': mood({ status: 503 }, /HTTP 503/),
  'answering 429': mood(
    { status: 429, body: '{"code":"resource_exhausted","message":"too fast"}' },
    /HTTP 429: too fast/,
  ),
  hanging: mood('hang', /no answer within 0\.6 s/, short),
  'resetting mid-body': mood('reset', /ECONNRESET|other side closed|socket/i),
  'an untrusted certificate': {
    isTls: true,
    begin: (server) => server.present('untrusted'),
    end: (server) => server.present('trusted'),
    reason: /DEPTH_ZERO_SELF_SIGNED_CERT|self.signed/,
  },
  'a name that does not resolve': lookups('unknown', /getaddrinfo ENOTFOUND/),
  'a resolver that hangs': lookups('hanging', /no answer within 0\.6 s/, short),
  'answering 401': mood({ status: 401, body: 'who are you?' }, /HTTP 401: who are you\?/),
  'an HTML page of a proxy': mood(
    { status: 502, body: '<html>\n<h1>Bad gateway</h1>' },
    /HTTP 502: <html> <h1>/,
  ),
  'a redirect': mood({ status: 302, headers: { location: 'http://elsewhere/' } }, /HTTP 302/),
};

describe.each(Object.entries(outages))('%s', (_, outage) => {
  const { begin, end, reason, options, isTls, isNamed } = outage;
  test('afterwards every window is stored once, in order', async () => {
    const server = await receiver(isTls);
    const { url } = server;
    const endpoint = isNamed ? url.replace('127.0.0.1', names.name) : url;
    const queue = queueTo(
      new PyroscopeDestination({ endpoint, ...(isTls ? { caFile } : {}) }),
      options,
    );
    await queue.export(windowOf(0));
    expect(numbersOf(server.stored)).toEqual([0]);
    expect(spooled()).toEqual([]);

    await begin(server);
    const overMillis = Date.now() + OUTAGE_MILLIS;
    // Resolves although nothing is stored: the profile is on disk.
    const windows = range(1, 20).map((number) => windowOf(number));
    for (const window of windows) await queue.export(window);
    await until(
      () => queue.status().failedAttempts >= 3 && Date.now() > overMillis,
      () => JSON.stringify(queue.status()),
    );
    const during = queue.status();
    expect(during).toMatchObject({ state: 'waiting', waiting: 20, inMemoryOnly: 0, dropped: {} });
    expect(during.spoolBytes).toBe(windows.reduce((sum, { pprof }) => sum + pprof.byteLength, 0));
    expect(during.lastError).toMatch(reason);
    expect(spooled()).toHaveLength(20);
    // One profile probes, the others do not; one attempt may be under way right now.
    expect(during.attempts - during.failedAttempts - 1).toBeOneOf([0, 1]);
    expect(reports).toHaveLength(1);
    expect(reports[0]).toContain(`${endpoint} cannot take profiles`);
    // A thread of the application's pool waits for a resolver: one, however often we try.
    expect(names.mostAtOnce).toBeLessThanOrEqual(1);

    await end(server);
    await until(
      () => server.stored.length >= 21,
      () => JSON.stringify(queue.status()),
    );
    await until(() => queue.status().waiting === 0);
    expect(numbersOf(server.stored)).toEqual(range(0, 20));
    expect(queue.status()).toMatchObject({ state: 'sending', exported: 21, dropped: {} });
    await queue.close();
    expect(spooled()).toEqual([]);
  });
});
