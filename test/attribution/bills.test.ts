/** `measure`, `invocation`, `usage`, `accounts` as an application sees them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agent } from '../../src/agent.ts';
import { MAX_OPEN_BILLS } from '../../src/attribution/table.ts';
import {
  accounts,
  type Carrier,
  carry,
  invocation,
  measure,
  resume,
  run,
  SpanprofError,
  start,
  status,
  stop,
  type Usage,
  usage,
  usageOf,
} from '../../src/index.ts';
import { addon } from '../../src/native.ts';

const options = {
  exporters: [],
  windowSeconds: 3600,
  attribution: { budgetPercent: 100, maxSwitchesPerSecond: 1e9 },
};
const threadCpuMillis = () => (addon?.threadCpuNanos() ?? 0) / 1e6;

function burn(millis: number): number {
  const end = threadCpuMillis() + millis;
  let x = 1;
  while (threadCpuMillis() < end) for (let i = 0; i < 2_000; i++) x = x * 1.0000001 + 1e-9;
  return x;
}

/**
 * So many milliseconds, and half of it or two milliseconds more for what is around. Less by what a
 * collection took in it, which is not theirs: test/truth/bills.test.ts is the exact one.
 */
function expectCpu({ cpuMicros }: { cpuMicros: number }, millis: number): void {
  expect(cpuMicros).toBeGreaterThanOrEqual(millis * 900 - 1_000);
  expect(cpuMicros).toBeLessThan(millis * 1_500 + 3_000);
}

beforeAll(async () => {
  await start(options);
});
afterAll(async () => {
  await stop();
});

describe('measure', () => {
  test('gives the result and the bill, sync or not', async () => {
    const sync = await measure({ agent_name: 'a' }, (x: number) => burn(10) && x, 7);
    expect(sync.result).toBe(7);
    expectCpu(sync.usage, 10);
    expect(sync.usage.turns).toBe(1);
    expect(sync.usage.longestTurnMicros).toBeGreaterThan(9_000);
    expect(sync.usage.labels).toEqual({ agent_name: 'a' });

    const later = await measure({}, async () => {
      burn(5);
      await sleep(30);
      burn(5);
      return 'done';
    });
    expect(later.result).toBe('done');
    expectCpu(later.usage, 10);
    expect(later.usage.wallMicros).toBeGreaterThan(35_000);
    expect(later.usage.turns).toBeGreaterThanOrEqual(2);
  });

  test('rejects with the very error, and its bill can be had', async () => {
    const error = new Error('expected');
    const failing = measure({}, async () => {
      await sleep(1);
      burn(5);
      throw error;
    });
    await expect(failing).rejects.toBe(error);
    expectCpu(usageOf(error) as Usage, 5);
    expect(usageOf(new Error('another'))).toBeUndefined();
    await expect(measure({}, () => Promise.reject('no object'))).rejects.toBe('no object');
    expect(usageOf('no object')).toBeUndefined();
  });

  test('waiting costs nothing, blocking in a synchronous call neither', async () => {
    const { usage: bill } = await measure({}, async () => {
      await sleep(50);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    });
    expect(bill.wallMicros).toBeGreaterThan(99_000);
    expect(bill.cpuMicros).toBeLessThan(10_000);
    // The event loop was blocked all the same.
    expect(bill.longestTurnMicros).toBeGreaterThan(49_000);
  });

  test('every figure has its method, every estimate its error', async () => {
    const { usage: bill } = await measure({}, () => burn(1));
    for (const key of Object.keys(bill.self)) {
      const method = bill.method[key as keyof Usage['method']];
      expect(['exact', 'sampled', 'process']).toContain(method);
      const error = bill.stdError[key as keyof Usage['stdError']];
      expect(error !== undefined, key).toBe(method === 'sampled');
    }
  });
});

describe('inside of each other', () => {
  test('self leaves out what is inside, inclusive has it', async () => {
    let inner: Usage | undefined;
    const outer = await measure({ agent_name: 'outer' }, async () => {
      burn(10);
      ({ usage: inner } = await measure({ agent_name: 'inner' }, async () => {
        burn(20);
        await null;
        run({ tool_name: 'tool' }, burn, 5);
      }));
    });
    expectCpu(outer.usage.self, 10);
    expectCpu(outer.usage, 35);
    expectCpu(inner as Usage, 25);
    expectCpu((inner as Usage).self, 20);
    expect(inner?.labels).toEqual({ agent_name: 'inner' });
  });

  test('parallel sub-agents are told apart', async () => {
    const outer = await measure({ agent_name: 'all' }, async () => {
      const sub = (name: string, millis: number) =>
        measure({ agent_name: name }, async () => {
          for (let i = 0; i < millis; i++) {
            burn(1);
            await (i % 2 === 0 ? null : sleep(1));
          }
        });
      return Promise.all([sub('x', 20), sub('y', 10)]);
    });
    const [x, y] = outer.result;
    expectCpu(x.usage, 20);
    expectCpu(y.usage, 10);
    expect(outer.usage.cpuMicros).toBeGreaterThanOrEqual(x.usage.cpuMicros + y.usage.cpuMicros);
    expect(outer.usage.self.cpuMicros).toBeLessThan(8_000);
  });
});

describe('invocation', () => {
  test('runs in pieces, can be read meanwhile, and ends once', async () => {
    const one = invocation({ agent_name: 'pieces' });
    one.run(burn, 5);
    burn(20);
    await one.run(async () => {
      await sleep(1);
      burn(5);
      expectCpu(usage() as Usage, 10);
    });
    expectCpu(one.usage(), 10);
    const ended = one.end();
    expectCpu(ended, 10);
    expect(one.end()).toBe(ended);
    expect(usage()).toBeUndefined();
  });

  test('an agent that yields tokens is billed for each of them, however late', async () => {
    const one = invocation({ agent_name: 'stream' });
    async function* tokens() {
      for (let i = 0; i < 10; i++) {
        await sleep(1);
        burn(2);
        yield i;
      }
    }
    let count = 0;
    // As a server does: the consumer is nobody's, `next` runs in the invocation.
    const stream = one.run(tokens);
    for (;;) {
      const next = await one.run(() => stream.next());
      if (next.done === true) break;
      burn(2);
      count++;
    }
    expect(count).toBe(10);
    expectCpu(one.end(), 20);
  });

  test('late work is its own for two seconds, then it is late', async () => {
    const lateBefore = accounts()?.late.cpuMicros ?? 0;
    const one = invocation({ agent_name: 'late' });
    let resolve = () => {};
    const over = new Promise<void>((done) => {
      resolve = done;
    });
    one.run(() => {
      setTimeout(burn, 50, 10);
      setTimeout(() => {
        burn(15);
        resolve();
      }, 3_500);
    });
    const ended = one.end();
    // Something else goes on all the time: with nothing to bill nothing would be measured.
    const other = invocation({});
    await sleep(200);
    expect(ended.cpuMicros).toBeLessThan(5_000);
    expectCpu(one.usage(), 10);
    await over;
    other.end();
    expectCpu(one.usage(), 10);
    expectCpu({ cpuMicros: (accounts()?.late.cpuMicros ?? 0) - lateBefore }, 15);
  });
});

describe('carried', () => {
  test('through a queue: charged to the same bill', async () => {
    const queue: string[] = [];
    const one = invocation({ agent_name: 'queue' });
    one.run(() => queue.push(JSON.stringify(carry())));
    for (const message of queue) resume(JSON.parse(message) as Carrier, () => burn(10));
    expectCpu(one.end(), 10);
    resume({ labels: {}, origin: { thread: 'elsewhere', scope: 1 } }, () =>
      expect(usage()).toBeUndefined(),
    );
  });

  test('to a worker: a bill of the worker, with the labels', async () => {
    const worker = new Worker(new URL('../programs/agent/bill-worker.mjs', import.meta.url));
    const carrier = run({ agent_name: 'carried' }, carry);
    worker.postMessage(carrier);
    const { bill, agents } = await new Promise<{ bill: Usage; agents: { name: string }[] }>(
      (resolve, reject) => worker.once('message', resolve).once('error', reject),
    );
    await worker.terminate();
    expect(bill.labels).toEqual({ agent_name: 'carried', tool_name: 'worker' });
    expectCpu(bill, 10);
    expect(agents.map(({ name }) => name)).toEqual(['carried']);
  });
});

describe('accounts', () => {
  test('by agent, tool and session; tokens ride along', async () => {
    const labels = { agent_name: 'acc', session_id: 's-acc' };
    await measure(labels, () => {
      const scope = agent.context.storage.getStore();
      if (scope !== undefined) {
        agent.context.ledger?.addTokens(scope, { inputTokens: 100, outputTokens: 7 });
      }
      run({ tool_name: 'acc-tool' }, burn, 10);
      burn(5);
    });
    const report = accounts();
    const find = (group: 'agents' | 'tools' | 'sessions', name: string) =>
      report?.[group].named.find((account) => account.name === name);
    expectCpu(find('agents', 'acc') ?? { cpuMicros: 0 }, 15);
    expectCpu(find('sessions', 's-acc') ?? { cpuMicros: 0 }, 15);
    expectCpu(find('tools', 'acc-tool') ?? { cpuMicros: 0 }, 10);
    expect(find('agents', 'acc')).toMatchObject({ inputTokens: 100, outputTokens: 7 });
  });

  test('a hundred are kept by name, the heavy one among them; the rest is in other', async () => {
    await measure({ session_id: 'heavy' }, () => burn(20));
    for (let i = 0; i < 300; i++) await measure({ session_id: `many-${i}` }, () => i);
    await sleep(0);
    const sessions = accounts()?.sessions;
    expect(sessions?.named).toHaveLength(100);
    expect(sessions?.named.find(({ name }) => name === 'heavy')).toBeDefined();
    expect(sessions?.other.cpuMicros).toBeGreaterThan(0);
  });
});

test('too many open bills: the oldest inside of others go into their parents', async () => {
  const outer = invocation({ agent_name: 'wide' });
  const before = status().bills?.folded ?? 0;
  outer.run(() => {
    for (let i = 0; i < MAX_OPEN_BILLS + 50; i++) run({ i }, () => {});
    // Folded by now: what still runs in it is charged to the invocation.
  });
  const folded = (status().bills?.folded ?? 0) - before;
  expect(folded).toBeGreaterThanOrEqual(50);
  expect(status().bills?.open).toBeLessThanOrEqual(MAX_OPEN_BILLS);
  outer.run(burn, 10);
  const bill = outer.end();
  expect(bill.cpuMicros).toBeGreaterThan(10_000);
});

test('after the last bill the hooks go, and come back with the next', async () => {
  for (let i = 0; i < 100 && status().bills?.method !== 'idle'; i++) await sleep(100);
  expect(status().bills?.method).toBe('idle');
  await measure({}, () => expect(status().bills?.method).toBe('exact'));
});

test('without an agent everything is a plain call', async () => {
  await stop();
  expect(accounts()).toBeUndefined();
  const { result, usage: bill } = await measure({ agent_name: 'none' }, () => 1);
  expect([result, bill.cpuMicros, usage()]).toEqual([1, 0, undefined]);
  const one = invocation({});
  expect(one.run(() => 2)).toBe(2);
  expect(one.end().cpuMicros).toBe(0);
  await expect(start({ attribution: { budgetPercent: -1 } })).rejects.toThrow(SpanprofError);
  await start(options);
});

test('bills of an earlier session leave the next one alone', async () => {
  const old = invocation({ agent_name: 'old' });
  old.run(burn, 5);
  await stop();
  await start(options);
  expect(accounts()?.late.cpuMicros).toBe(0);
  const one = invocation({ agent_name: 'new' });
  expect(old.end().cpuMicros).toBeGreaterThan(0);
  // Longer than the ledger waits before it stops to measure when nothing is open.
  await sleep(1_200);
  expect(status().bills).toMatchObject({ method: 'exact', open: 1 });
  one.run(burn, 10);
  expectCpu(one.end(), 10);
  await expect.poll(() => status().bills?.method, { timeout: 10_000 }).toBe('idle');
});
