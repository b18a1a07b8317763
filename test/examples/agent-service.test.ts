import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunResult, root, runProgram } from '../helpers/programs.ts';

interface Step {
  kind: string;
  name: string;
  span_id: string;
  duration_ms: number;
  error?: string;
}

interface Invocation {
  invocation_id: string;
  trace_id: string;
  span_id: string;
  answer: string;
  steps: Step[];
}

/** A program that listens: where, how to end it, and how it ended. */
interface Started {
  readonly url: string;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<RunResult>;
}

let fakeModel: Started;
let service: Started;

/** Starts one of the example's programs on a free port and waits for the address it prints. */
function start(name: string, env: Record<string, string>): Promise<Started> {
  return new Promise((resolve, reject) => {
    const ended = runProgram(`examples/agent-service/dist/${name}.js`, {
      env: { PORT: '0', ...env },
      timeoutMillis: 120_000,
      onStdout: (stdout, kill) => {
        const url = /http:\/\/\S+(?=\n)/.exec(stdout)?.[0];
        if (url) resolve({ url, kill, ended });
      },
    });
    ended.then(
      ({ code, stderr }) => reject(new Error(`${name}: exit code ${code}\n${stderr}`)),
      reject,
    );
  });
}

beforeAll(async () => {
  const compiler = ['node_modules/typescript/bin/tsc', '-p', 'examples/agent-service'];
  await promisify(execFile)(process.execPath, compiler, { cwd: root });
  fakeModel = await start('fake/main', {});
  service = await start('main', { LLM_URL: fakeModel.url });
}, 60_000);

afterAll(() => {
  fakeModel?.kill('SIGKILL');
  service?.kill('SIGKILL');
});

function post(agent: string, body: unknown, headers: Record<string, string> = {}) {
  return fetch(`${service.url}/agents/${agent}/invoke`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

async function invoke(agent: string, sessionId: string, input: string): Promise<Invocation> {
  const response = await post(agent, { session_id: sessionId, input });
  expect(response.status).toBe(200);
  return (await response.json()) as Invocation;
}

const stepNames = (invocation: Invocation) => invocation.steps.map((step) => step.name);
const errors = (invocation: Invocation) => invocation.steps.flatMap((step) => step.error ?? []);

describe('the agents', () => {
  test('research_agent reads two pages and finds what they say', async () => {
    const invocation = await invoke('research_agent', 'r', 'What drives the cost of energy?');
    expect(errors(invocation)).toEqual([]);
    expect(stepNames(invocation)).toEqual([
      'fake-large',
      'web_scraper',
      'web_scraper',
      'fake-large',
      'search_index',
      'fake-large',
      'search_index',
      'fake-large',
    ]);
    expect(invocation.answer).toContain('energy overview: 126 passages, 14 tables with 308 rows');
    expect(invocation.answer).toMatch(/energy-(overview|statistics)\.html#\d+ \(\d/);
  });

  test('writer_agent renders a document and archives it', async () => {
    const invocation = await invoke('writer_agent', 'w', 'the future of water');
    expect(errors(invocation)).toEqual([]);
    expect(invocation.answer).toMatch(/rendered "On the future of water": \d{6} characters/);
    expect(invocation.answer).toMatch(
      /archived 1 documents, \d+ bytes as \d+, sha256 [0-9a-f]{64}/,
    );
  });

  test('analyst_agent summarises the sales, largest region first', async () => {
    const invocation = await invoke('analyst_agent', 'a', 'Which region sells most?');
    expect(errors(invocation)).toEqual([]);
    expect(stepNames(invocation)).toEqual([
      'fake-small',
      'data_analysis',
      'fake-small',
      'render_markdown',
      'fake-small',
    ]);
    const totals = Array.from(invocation.answer.matchAll(/"total":([\d.]+)/g), (m) => Number(m[1]));
    expect(totals.length).toBeGreaterThan(2);
    expect(totals).toEqual([...totals].sort((a, b) => b - a));
  });

  test('answers are the same each time; ids are not', async () => {
    const first = await invoke('analyst_agent', 'same-1', 'Total by region?');
    const second = await invoke('analyst_agent', 'same-2', 'Total by region?');
    expect(second.answer).toBe(first.answer);
    const ids = [first, second].flatMap((invocation) => [
      invocation.invocation_id,
      invocation.trace_id,
      invocation.span_id,
      ...invocation.steps.map((step) => step.span_id),
    ]);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('the service', () => {
  test('continues the trace of its caller and starts one where the header is no good', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const body = { session_id: 't', input: 'Quick one' };
    const response = await post('analyst_agent', body, {
      traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    });
    const invocation = (await response.json()) as Invocation;
    expect(invocation.trace_id).toBe(traceId);
    expect(response.headers.get('traceparent')).toBe(`00-${traceId}-${invocation.span_id}-01`);

    const without = await post('analyst_agent', body, {
      traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    });
    const started = (await without.json()) as Invocation;
    expect(started.trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect(started.trace_id).not.toMatch(/^0+$/);
  });

  test.each([
    ['no body', {}, 400, /session_id/],
    ['no input', { session_id: 's' }, 400, /input/],
    ['a session id that is none', { session_id: 'a b', input: 'x' }, 400, /session_id/],
    ['a number for a text', { session_id: 's', input: 7 }, 400, /input must be string/],
    ['a property too many', { session_id: 's', input: 'x', y: 1 }, 400, /additional/],
  ])('refuses %s', async (_name, body, status, message) => {
    const response = await post('analyst_agent', body);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: string }).error).toMatch(message);
  });

  test('names the agents it has when asked for another', async () => {
    const response = await post('poet_agent', { session_id: 's', input: 'x' });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: 'unknown agent',
      agents: ['research_agent', 'writer_agent', 'analyst_agent'],
    });
  });

  test('is healthy, answers 502 when the model is gone, and ends on SIGTERM with 0', async () => {
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);

    fakeModel.kill('SIGTERM');
    expect(await fakeModel.ended).toMatchObject({ code: 0, stderr: '' });
    const response = await post('analyst_agent', { session_id: 's', input: 'x' });
    expect(response.status).toBe(502);
    expect(await response.json()).toEqual({ error: 'the model cannot be reached' });

    service.kill('SIGTERM');
    expect(await service.ended).toMatchObject({ code: 0, signal: null });
  });
});
