import { describe, expect, test } from 'vitest';
import { type Answer, withServer } from './endpoint.ts';
import { hasPty, spanprof, spanprofInPty, withoutColours } from './spanprof.ts';

/** In the shape of the endpoint's `/debug/usage` and `/debug/status`; `planner` burns half a core. */
function answers({ bills = true } = {}): Answer {
  const began = performance.now();
  return (request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/debug/usage' && !bills) {
      response.writeHead(503).end('no bills are kept here');
      return;
    }
    const cpuMicros = Math.round((performance.now() - began) * 500);
    const none = { cpuMicros: 0, allocatedBytes: 0, gcMicros: 0, tokens: 0 };
    const planner = { ...none, name: 'planner\u001b[31m', invocations: 3, cpuMicros };
    const writer = { ...none, name: 'writer', invocations: 1, cpuMicros: 9_000_000 };
    const usage = {
      sinceMillis: 0,
      method: 'exact',
      agents: [writer, planner],
      tools: [],
      sessions: [],
      open: [{ ...none, id: '1', agent: 'planner', tool: 'search', wallMicros: 2_000_000 }],
      total: { ...none, cpuMicros: cpuMicros + 9_000_000, allocatedBytes: 1024 },
      unattributed: none,
    };
    const status = {
      state: 'running',
      serviceName: 'checkout',
      cpu: { state: 'running', lostSamples: 4 },
      heap: { state: 'off' },
      windows: { completed: 5 },
      profiles: { delivered: 15, dropped: 0 },
      process: {
        cpuMicros,
        residentBytes: 80 * 2 ** 20,
        heapUsedBytes: 20 * 2 ** 20,
        externalBytes: 2 ** 20,
        loopActiveMicros: cpuMicros,
        loopIdleMicros: cpuMicros,
      },
      ownCpuMicros: 1_500,
    };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(path === '/debug/usage' ? usage : status));
  };
}

describe('live', () => {
  test('in a pipe: look below look, rates from the second on', () =>
    withServer(answers(), async (url) => {
      const { code, stdout, stderr } = await spanprof(['live', url, '-i', '1', '-n', '2']);
      expect([code, stderr]).toEqual([0, '']);
      const [first = '', second = ''] = stdout.split(/(?=^checkout {2}running)/m);
      expect(first).toContain('cpu running, 4 lost  heap off  windows 5  profiles 15 delivered');
      expect(first).toMatch(/writer +9s +0 +0 +1\n/);
      expect(first).toContain('open invocations: 1\nplanner / search              for 2s, CPU 0');
      expect(second).toMatch(
        /CPU [34567]\d\.\d\d% {2}event loop busy 50.00% {2}memory 80MB {2}heap 20MB {2}external 1MB\n/,
      );
      // Who is busy now stands above who has cost most; names are no commands to the terminal.
      expect(second).toMatch(/planner\ufffd\[31m +[34567]\d\.\d\d% .*\nwriter/);
    }));

  test('as JSON, one line a look', () =>
    withServer(answers(), async (url) => {
      const { stdout } = await spanprof(['live', url, '-n', '2', '-i', '1', '--json']);
      const looks = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(looks.map(({ status }) => status.serviceName)).toEqual(['checkout', 'checkout']);
      expect(looks[1].usage.agents[1].invocations).toBe(3);
    }));

  test('without bills it says so and shows the rest', () =>
    withServer(answers({ bills: false }), async (url) => {
      const { code, stdout } = await spanprof(['live', url, '-n', '1']);
      expect(code).toBe(0);
      expect(stdout).toContain('no bills are kept there');
    }));

  test('where nobody answers it says so', async () => {
    const { code, stderr } = await spanprof(['live', 'http://127.0.0.1:9']);
    expect([code, stderr]).toEqual([
      1,
      'spanprof: http://127.0.0.1:9/debug/status cannot be read: nobody listens there\n',
    ]);
  });

  test.skipIf(!hasPty).each([
    ['q', 0],
    ['\u0003', 130],
  ])('in a terminal: fills the screen until %j and gives it back', (key, exitCode) =>
    withServer(answers(), async (url) => {
      const { code, output } = await spanprofInPty(['live', url, '-i', '1'], {
        steps: [
          ['open invocations', ''],
          ['open invocations', key],
        ],
      });
      expect(code).toBe(exitCode);
      expect(output.startsWith('\u001b[?1049h\u001b[?25l')).toBe(true);
      expect(output.endsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
      expect(withoutColours(output)).toMatch(/CPU [34567]\d\.\d\d%/);
    }),
  );

  test.skipIf(!hasPty)('in a terminal: an endpoint that goes away is said, and comes back', () => {
    let calls = 0;
    const good = answers();
    const answer: Answer = (request, response) => {
      calls++;
      if (calls > 2 && calls < 5) response.writeHead(500).end('broken');
      else good(request, response);
    };
    return withServer(answer, async (url) => {
      const { code, output } = await spanprofInPty(['live', url, '-i', '1'], {
        steps: [
          ['status 500, broken', ''],
          ['q ends', 'q'],
        ],
      });
      expect([code, output.includes('status 500, broken')]).toEqual([0, true]);
    });
  });
});
