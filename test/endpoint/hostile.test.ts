/**
 * Hostile requests: none crashes the service, makes it grow or gets another answer than it must.
 * Some thousands here; `npm run test:soak` sends a hundred thousand.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  type HostileRequest,
  hostileRequest,
  type Outcome,
  randomNumbers,
  send,
} from './hostile-requests.ts';
import { withService } from './service.ts';

const REQUESTS = Number(process.env['TEST_HOSTILE_REQUESTS'] ?? 5_000);
const SEED = Number(process.env['TEST_HOSTILE_SEED'] ?? 7);
const PER_CONNECTION = 25;
const PARALLEL = 20;
const MAX_GROWTH_MIB = 40;
const TOKEN = 'the-right-token';

const rssMib = (processId: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${processId}/status`, 'utf8'))?.[1]) / 1024;
const openFiles = (processId: number) => readdirSync(`/proc/${processId}/fd`).length;

/** Requests that can follow each other on one connection, or one that ends its connection. */
function batch(random: () => number): HostileRequest[] {
  const requests: HostileRequest[] = [];
  while (requests.length < PER_CONNECTION) {
    const request = hostileRequest(random, TOKEN);
    if (!request.isLast) requests.push(request);
    else if (requests.length === 0) return [request];
  }
  return requests;
}

test(`${REQUESTS} hostile requests`, { timeout: 600_000 }, async () => {
  await withService(
    async (service) => {
      const port = Number(new URL(service.url).port);
      const random = randomNumbers(SEED);
      const filesBefore = openFiles(service.processId);
      const counts = new Map<number, number>();
      let wrong: Outcome[] = [];
      let warmMib = 0;
      let sent = 0;
      const sendSome = async () => {
        while (sent < REQUESTS) {
          const requests = batch(random);
          sent += requests.length;
          for (const outcome of await send(port, requests)) {
            counts.set(outcome.code, (counts.get(outcome.code) ?? 0) + 1);
            const { codes } = outcome.request;
            if (codes.length > 0 && !codes.includes(outcome.code)) wrong.push(outcome);
          }
          wrong = wrong.slice(0, 5);
          // Compiled code, caches and pools fill up first.
          if (warmMib === 0 && sent > REQUESTS / 4) warmMib = rssMib(service.processId);
        }
      };
      await Promise.all(Array.from({ length: PARALLEL }, sendSome));
      expect(wrong).toEqual([]);
      console.log(`codes: ${JSON.stringify(Object.fromEntries([...counts].sort()))}`);
      // Every connection is given back.
      await expect
        .poll(() => openFiles(service.processId), { timeout: 30_000 })
        .toBeLessThanOrEqual(filesBefore + 2);
      const grownMib = rssMib(service.processId) - warmMib;
      console.log(
        `RSS after a quarter ${warmMib.toFixed(1)} MiB, since then ${grownMib.toFixed(1)} MiB`,
      );
      expect(grownMib).toBeLessThan(MAX_GROWTH_MIB);
      const status = await fetch(`${service.url}/debug/status`, {
        headers: { Authorization: `Bearer ${TOKEN}` },
      });
      expect(await status.json()).toMatchObject({ state: 'running', requests: 0 });
      expect(service.stderr()).toBe('');
      expect(await service.end()).toBe(0);
    },
    { args: ['idle'], env: { SPANPROF_ENDPOINT_TOKEN: TOKEN } },
  );
});

test('clients that are slow or silent are cut', { timeout: 120_000 }, async () => {
  await withService(
    async (service) => {
      const port = Number(new URL(service.url).port);
      const before = openFiles(service.processId);
      const clients = [
        '',
        'GET /debug/status HT',
        'GET /debug/status HTTP/1.1\r\nHost: 127.0.0.1\r\n',
      ].flatMap((bytes) => [slowly(port, bytes), slowly(port, bytes)]);
      await expect.poll(() => openFiles(service.processId)).toBe(before + clients.length);
      await Promise.all(clients.map(({ closed }) => closed));
      await expect.poll(() => openFiles(service.processId)).toBeLessThanOrEqual(before);
    },
    { args: ['idle'] },
  );
});

/** Sends the bytes one by one, then one more each second. */
function slowly(port: number, bytes: string): { closed: Promise<void> } {
  const socket = connect({ host: '127.0.0.1', port });
  socket.resume().on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  void (async () => {
    for (const byte of bytes) socket.write(byte);
    while (!socket.destroyed) {
      await sleep(1_000);
      if (bytes !== '' && socket.writable) socket.write('x');
    }
  })();
  return { closed };
}
