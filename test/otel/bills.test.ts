/** Spans of a real SDK carry their bills. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Span, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agent } from '../../src/agent.ts';
import { labels, measure, start, status, stop } from '../../src/index.ts';
import { burn } from './burn.ts';
import { registerSdk, type Sdk } from './sdk.ts';

const options = { exporters: [], windowSeconds: 3600 };
await start(options);
/** Without the addon nothing is billed. */
const isBilled = agent.context.ledger !== undefined;
await stop();

const BILL = [
  'resource.attribution.method',
  'resource.cpu.micros',
  'resource.eventloop.longest_turn.micros',
  'resource.gc.micros',
  'resource.memory.bytes',
  'resource.memory.peak',
  'resource.memory.peak_live',
];

describe.skipIf(!isBilled)('bills', () => {
  let sdk: Sdk;
  beforeAll(async () => {
    await start(options);
    // A processor that exports in onEnd, as soon as the span ends.
    sdk = registerSdk();
  });
  afterAll(async () => {
    await stop();
    await sdk.unregister();
  });
  const cpu = (name: string) => Number(sdk.spanNamed(name).attributes['resource.cpu.micros']);

  test('are on every span, active or not, before any exporter sees it', async () => {
    const tracer = trace.getTracer('test');
    await tracer.startActiveSpan('parent', async (parent) => {
      tracer.startSpan('never active').end();
      const child = async (span: Span, millis: number) => {
        burn(millis / 2);
        await sleep(1);
        burn(millis / 2);
        span.end();
      };
      await Promise.all([
        tracer.startActiveSpan('small', (span) => child(span, 20)),
        tracer.startActiveSpan('large', (span) => child(span, 60)),
      ]);
      burn(10);
      parent.end();
    });
    for (const name of ['parent', 'small', 'large', 'never active']) {
      const { attributes } = sdk.spanNamed(name);
      const bill = Object.keys(attributes).filter((key) => key.startsWith('resource.'));
      expect(bill.sort()).toEqual(BILL);
      expect(attributes['resource.attribution.method']).toBe('exact');
    }
    expect(cpu('never active')).toBe(0);
    // The program measures the process, whose other threads count; the bill is the thread's.
    expect(cpu('small')).toBeGreaterThan(10_000);
    expect(cpu('large')).toBeGreaterThan(2 * cpu('small'));
    expect(cpu('parent')).toBeGreaterThanOrEqual(cpu('small') + cpu('large'));
    // A turn lasts as long as it holds the event loop, waiting for the machine included.
    const longest = sdk.spanNamed('large').attributes['resource.eventloop.longest_turn.micros'];
    expect(Number(longest)).toBeGreaterThan(10_000);
  });

  test('tokens stated by a call, a step and a run are counted once', () => {
    const counted: unknown[] = [];
    const ledger = agent.context.ledger;
    if (ledger === undefined) throw new Error('nothing is billed');
    const addTokens = ledger.addTokens.bind(ledger);
    ledger.addTokens = (scope, tokens) => {
      counted.push([scope.labels['agent_name'], tokens]);
      addTokens(scope, tokens);
    };
    const tracer = trace.getTracer('test');
    const stated = (input: number, output: number) => ({
      'gen_ai.usage.input_tokens': input,
      'gen_ai.usage.output_tokens': output,
    });
    tracer.startActiveSpan('invoke_agent a', (run) => {
      for (const [input, output] of [
        [100, 10],
        [50, 5],
      ] as const) {
        tracer.startActiveSpan('chat', (chat) => {
          chat.setAttributes(stated(input, output));
          chat.end();
        });
      }
      run.setAttributes(stated(160, 15));
      run.end();
    });
    Reflect.deleteProperty(ledger, 'addTokens');
    expect(counted).toEqual([
      ['a', { inputTokens: 100, outputTokens: 10 }],
      ['a', { inputTokens: 50, outputTokens: 5 }],
      ['a', { inputTokens: 10, outputTokens: 0 }],
    ]);
  });
});

test('with bills off spans are linked and say nothing of costs', async () => {
  await start({ ...options, attribution: { cpu: 'off', bytes: 'off' } });
  const sdk = registerSdk();
  const inside = await trace.getTracer('test').startActiveSpan('unbilled', async (span) => {
    await sleep(1);
    const seen = { labels: labels(), spanId: span.spanContext().spanId };
    span.end();
    return seen;
  });
  const { usage } = await measure({ agent_name: 'x' }, () => burn(5));
  const { bills } = status();
  const { attributes } = sdk.spanNamed('unbilled');
  await stop();
  await sdk.unregister();
  expect(inside.labels['span_id']).toBe(inside.spanId);
  expect(attributes).toEqual({ 'pyroscope.profile.id': inside.spanId });
  expect([usage.cpuMicros, usage.allocatedBytes, bills]).toEqual([0, 0, undefined]);
});
