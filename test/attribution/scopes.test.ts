/** `run`, `bind`, `labels`, `carry`, `resume` as an application sees them, with a started agent. */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agent } from '../../src/agent.ts';
import { bind, carry, labels, resume, run, start, status, stop } from '../../src/index.ts';
import { addon } from '../../src/native.ts';

const folder = mkdtempSync(join(tmpdir(), 'spanprof-test-'));
const options = { file: { directory: folder }, windowSeconds: 3600 };
const A = { agent_name: 'a' };
const B = { agent_name: 'b' };

beforeAll(async () => {
  await start(options);
});
afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What a sampler would see at this moment: labels of the id that native code reads. */
function sampledLabels(): Readonly<Record<string, unknown>> {
  const scope = agent.context.storage.getStore();
  const id = addon?.readScope() ?? 0;
  if (id !== (scope?.id ?? 0)) throw new Error(`slot ${id}, storage ${scope?.id ?? 0}`);
  return scope?.labels ?? {};
}

describe('run', () => {
  test('passes arguments and returns what the function returns', async () => {
    expect(run(A, (x: number, y: number) => x + y, 2, 3)).toBe(5);
    const promise = Promise.resolve(7);
    expect(run(A, () => promise)).toBe(promise);
    expect(await run(A, async (text: string) => text, 'x')).toBe('x');
  });

  test('throws and rejects with the very error of the function, and the scope ends', async () => {
    const error = new Error('expected');
    expect(() =>
      run(A, () => {
        throw error;
      }),
    ).toThrow(error);
    expect(sampledLabels()).toEqual({});
    await expect(run(A, () => Promise.reject(error))).rejects.toBe(error);
    expect(sampledLabels()).toEqual({});
  });

  test('inherits, overrides and comes back', () => {
    run({ agent_name: 'a', session_id: 's' }, () => {
      run({ agent_name: 'b', tool_name: 't' }, () => {
        expect(sampledLabels()).toEqual({ agent_name: 'b', session_id: 's', tool_name: 't' });
      });
      expect(sampledLabels()).toEqual({ agent_name: 'a', session_id: 's' });
    });
    expect(sampledLabels()).toEqual({});
  });

  test('works without labels and leaves absent values out', () => {
    run({}, () => expect(sampledLabels()).toEqual({}));
    run({ agent_name: undefined, session_id: null, tool_name: '' }, () =>
      expect(sampledLabels()).toEqual({}),
    );
  });

  test('does not disturb other AsyncLocalStorages', async () => {
    const other = new AsyncLocalStorage<number>();
    await other.run(1, () =>
      run(A, async () => {
        await null;
        expect(other.getStore()).toBe(1);
        await other.run(2, async () => {
          await sleep(1);
          expect(other.getStore()).toBe(2);
          expect(sampledLabels()).toEqual(A);
        });
      }),
    );
  });
});

describe('a scope follows', () => {
  const ways: [string, (check: () => void) => Promise<unknown>][] = [
    [
      'await',
      async (check) => {
        await null;
        check();
      },
    ],
    ['setTimeout', (check) => new Promise<void>((done) => setTimeout(() => done(check()), 1))],
    [
      'setInterval',
      (check) =>
        new Promise<void>((done) => {
          const timer = setInterval(() => {
            clearInterval(timer);
            done(check());
          }, 1);
        }),
    ],
    ['setImmediate', (check) => new Promise<void>((done) => setImmediate(() => done(check())))],
    ['nextTick', (check) => new Promise<void>((done) => process.nextTick(() => done(check())))],
    ['queueMicrotask', (check) => new Promise<void>((done) => queueMicrotask(() => done(check())))],
    [
      'catch and finally',
      (check) => Promise.reject(new Error('expected')).catch(check).finally(check),
    ],
    ['combinators', (check) => Promise.all([sleep(1), Promise.any([sleep(1)])]).then(check)],
    [
      'thenables',
      async (check) => {
        // biome-ignore lint/suspicious/noThenProperty: a thenable is the point
        await { then: (done: (value: unknown) => void) => done(1) };
        check();
      },
    ],
    [
      'async generators',
      async (check) => {
        for await (const one of (async function* () {
          yield 1;
          await null;
          yield 2;
        })()) {
          if (one > 0) check();
        }
      },
    ],
    [
      'streams',
      async (check) => {
        const through = Readable.from(['a', 'b']).pipe(new PassThrough());
        for await (const chunk of through) if (chunk) check();
      },
    ],
    [
      'AsyncResource',
      async (check) => {
        const resource = new AsyncResource('test');
        await new Promise<void>((done) =>
          setImmediate(() => done(resource.runInAsyncScope(check))),
        );
      },
    ],
    [
      'nested callbacks',
      (check) =>
        new Promise<void>((done) =>
          setTimeout(
            () => process.nextTick(() => queueMicrotask(() => setImmediate(() => done(check())))),
            1,
          ),
        ),
    ],
  ];
  test.each(ways)('%s', async (_, way) => {
    const checks: unknown[] = [];
    await Promise.all([
      run(A, () => way(() => checks.push(sampledLabels()))),
      run(B, () => way(() => checks.push(sampledLabels()))),
      way(() => checks.push(sampledLabels())),
    ]);
    const count = (labels: object): number =>
      checks.filter((seen) => JSON.stringify(seen) === JSON.stringify(labels)).length;
    expect(count(A)).toBeGreaterThan(0);
    expect(count(B)).toBe(count(A));
    expect(count({})).toBe(count(A));
    expect(checks).toHaveLength(3 * count(A));
  });

  test('a callback that runs another one synchronously in a scope of its own', async () => {
    const resource = run(B, () => new AsyncResource('test'));
    await run(A, async () => {
      await null;
      resource.runInAsyncScope(() => expect(sampledLabels()).toEqual(B));
      expect(sampledLabels()).toEqual(A);
    });
  });
});

describe('bind', () => {
  test('ties a listener to the scope in which it was bound', () => {
    const emitter = new EventEmitter();
    const seen: unknown[] = [];
    run(A, () =>
      emitter.on(
        'tick',
        bind(() => seen.push(sampledLabels())),
      ),
    );
    emitter.on('tick', () => seen.push(sampledLabels()));
    run(B, () => emitter.emit('tick'));
    expect(seen).toEqual([A, B]);
  });

  test('keeps this, arguments, result and errors', () => {
    const object = {
      factor: 3,
      times: bind(function (this: { factor: number }, x: number) {
        return this.factor * x;
      }),
    };
    expect(object.times(4)).toBe(12);
    expect(() => bind(() => JSON.parse('{'))()).toThrow(SyntaxError);
  });

  test('bound outside of all scopes it runs outside of all', () => {
    const outside = bind(() => sampledLabels());
    expect(run(A, outside)).toEqual({});
  });
});

describe('labels', () => {
  test('are frozen and empty outside', () => {
    expect(labels()).toEqual({});
    run({ agent_name: 'a', step: 3 }, () => {
      expect(labels()).toEqual({ agent_name: 'a', step: 3 });
      expect(Object.isFrozen(labels())).toBe(true);
    });
  });

  test('do not change with the object they came from', () => {
    const own = { agent_name: 'a' };
    run(own, () => {
      own.agent_name = 'changed';
      expect(labels()).toEqual({ agent_name: 'a' });
    });
  });
});

test('carry and resume take a scope somewhere else', () => {
  const carrier = run({ agent_name: 'a', step: 1 }, carry);
  expect(structuredClone(carrier)).toMatchObject({ labels: { agent_name: 'a', step: 1 } });
  run(B, () =>
    resume(JSON.parse(JSON.stringify(carrier)), () => {
      expect(sampledLabels()).toEqual({ agent_name: 'a', step: 1 });
    }),
  );
});

describe('without a running agent', () => {
  test('everything is a plain call, and a new start works', async () => {
    await stop();
    expect(status().state).toBe('stopped');
    expect(run(A, (x: number) => [x, labels()], 1)).toEqual([1, {}]);
    expect(bind((x: number) => x)(2)).toBe(2);
    expect(resume({ labels: A }, () => labels())).toEqual({});
    await start(options);
    expect(status().state).toBe('running');
    await run(A, async () => {
      await sleep(1);
      expect(sampledLabels()).toEqual(A);
    });
  });
});
