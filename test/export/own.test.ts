/** Exporters that the application brings: the one of docs/exporters.md, and bad ones. */
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SpanprofError } from '../../src/errors.ts';
import { GuardedExporter, takeOwnExporters } from '../../src/export/own.ts';
import { decode } from '../../src/profile/decode.ts';
import { milliseconds } from '../../src/units.ts';
import { fenced, read } from '../docs/pages.ts';
import { root, runProgram } from '../helpers/programs.ts';
import { windowOf } from './windows.ts';

test('the exporter of docs/exporters.md, word for word, delivers through failures', async () => {
  const stored = new Map<string, Buffer>();
  let requests = 0;
  const store = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const isOk = ++requests > 3;
    if (isOk) stored.set(request.url ?? '', Buffer.concat(chunks));
    response.writeHead(isOk ? 200 : 503).end();
  });
  store.listen(0, '127.0.0.1');
  await once(store, 'listening');
  const address = `http://127.0.0.1:${(store.address() as AddressInfo).port}/profiles`;

  // Inside the checkout, so that `spanprof` is found.
  fs.mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = fs.mkdtempSync(join(root, '.cache/own-'));
  try {
    const [own = '', main = ''] = fenced(read('docs/exporters.md'), 'js');
    expect(own.split('\n').length).toBeLessThanOrEqual(40);
    fs.writeFileSync(join(folder, 'store.mjs'), own);
    const work = `
      import { status, stop } from 'spanprof';
      const until = Date.now() + 1500;
      // Until the outage is over, however slow the machine is.
      while (Date.now() < until || status().exporters.at(-1).exported === 0) { for (let x = 0; x < 1e6; x++); await new Promise(setImmediate); }
      await stop();`;
    expect(main).toContain('http://127.0.0.1:9000/profiles');
    fs.writeFileSync(
      join(folder, 'main.mjs'),
      main.replace('http://127.0.0.1:9000/profiles', address) + work,
    );
    const { code, stderr } = await runProgram(join(folder, 'main.mjs'), {
      env: {
        SPANPROF_SERVICE_NAME: 'shop',
        SPANPROF_WINDOW_SECONDS: '1',
        SPANPROF_FILE_DIRECTORY: join(folder, 'profiles'),
        SPANPROF_SPOOL_DIRECTORY: join(folder, 'spool'),
        SPANPROF_UPLOAD_FIRST_RETRY_SECONDS: '0.02',
      },
    });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^spanprof: store: http:\/\/127\S+ cannot take profiles \(HTTP 503\)/);
    const files = fs.readdirSync(join(folder, 'profiles'));
    expect(files.length).toBeGreaterThanOrEqual(4);
    expect(stored.size).toBe(files.length);
    for (const [path, pprof] of stored) {
      expect(path).toMatch(/^\/profiles\/shop\/\d+-\d+-(cpu|wall|heap|allocs)\.pb\.gz$/);
      expect(decode(pprof).samples.stack.length).toBeGreaterThan(0);
    }
  } finally {
    fs.rmSync(folder, { recursive: true });
    store.closeAllConnections();
    store.close();
  }
});

test('what an exporter throws is counted and goes no further', async () => {
  const reports: string[] = [];
  const fail = (): never => {
    throw new Error('a bug');
  };
  const bad = { name: 'bad', export: async () => fail(), exportSync: fail, status: fail };
  const exporter = new GuardedExporter(bad, milliseconds(10_000), (line) => reports.push(line));
  await exporter.export(windowOf(1));
  exporter.exportSync(windowOf(2));
  expect(exporter.status()).toMatchObject({ name: 'bad', dropped: { EXPORTER_FAILED: 2 } });
  expect(reports[0]).toBe('exporter bad failed (a bug); the profile is counted as dropped');
});

test('an export that never ends is given up and counted', async () => {
  const stuck = {
    name: 'stuck',
    export: () => new Promise<void>(() => {}),
    exportSync() {},
    status: () => ({
      name: 'stuck',
      destination: '',
      exported: 0,
      dropped: {},
      lastError: undefined,
    }),
  };
  const exporter = new GuardedExporter(stuck, milliseconds(20), () => {});
  await exporter.export(windowOf(1));
  expect(exporter.status()).toMatchObject({ dropped: { EXPORTER_FAILED: 1 } });
  expect(exporter.status().lastError).toContain('export() took longer than 0.02 s');
});

test('a spoolKey is a string', () => {
  const own = { name: 'x', address: 'y', send() {}, close() {}, spoolKey: ['tenant'] };
  // @ts-expect-error that is the point
  expect(() => takeOwnExporters({ exporters: [own] })).toThrow(/a spoolKey is a string/);
});

test('an object that is no exporter is one clear problem', () => {
  const wrong = { exporters: [{ name: 'x', send() {} }] };
  // @ts-expect-error that is the point
  const take = () => takeOwnExporters(wrong);
  expect(take).toThrow(SpanprofError);
  expect(take).toThrow(/exporters: expected an object with a name and either export/);
});

test('names stay with the configuration', () => {
  const own = {
    name: 'x',
    address: 'y',
    send: async () => ({ kind: 'stored' }) as const,
    close: async () => {},
  };
  expect(takeOwnExporters({ exporters: ['file', own], windowSeconds: 5 })).toEqual({
    options: { exporters: ['file'], windowSeconds: 5 },
    own: [own],
  });
  expect(takeOwnExporters(undefined)).toEqual({ options: undefined, own: [] });
});
