import { afterEach, beforeEach, expect, test } from 'vitest';
import { HttpClient } from '../../src/export/http.ts';
import { Receiver, until } from '../helpers/receiver.ts';
import { Names } from './names.ts';

const names = new Names('pyroscope.test');
const server = new Receiver();
beforeEach(async () => {
  await server.up();
  names.take();
});
afterEach(async () => {
  names.giveBack();
  await server.down();
});

test('a resolver that hangs holds one thread, however many ask', async () => {
  const endpoint = server.url.replace('127.0.0.1', names.name);
  names.mood = 'hanging';
  const clients = Array.from({ length: 5 }, () => new HttpClient({ endpoint, headers: {} }));
  const ask = (client: HttpClient) =>
    client.request({
      method: 'GET',
      path: '/api/v1/status/buildinfo',
      signal: AbortSignal.timeout(20_000),
    });
  const answers = clients.map(ask);
  await until(() => names.mostAtOnce > 0);
  names.mood = 'ok';
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([
    200, 200, 200, 200, 200,
  ]);
  expect(names.mostAtOnce).toBe(1);

  // What is known is not kept: the next connection asks again.
  names.mood = 'unknown';
  const next = new HttpClient({ endpoint, headers: {} });
  await expect(ask(next)).rejects.toThrow(/getaddrinfo ENOTFOUND/);
  for (const client of [...clients, next]) await client.close();
});
