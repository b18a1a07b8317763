/** What is answered to what, over real connections to the endpoint of this process. */
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agent } from '../../src/agent.ts';
import { Endpoint, type EndpointOptions } from '../../src/endpoint/endpoint.ts';
import { answerNode } from '../../src/endpoint/node-adapter.ts';

const servers: Server[] = [];

async function serve(options: EndpointOptions = {}): Promise<number> {
  const endpoint = new Endpoint(agent.endpointSource, options);
  const server = createServer(
    (incoming, response) => void answerNode(endpoint, incoming, response),
  );
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
    });
    asked.once('error', reject).end();
  });
}

let open = 0;
let locked = 0;
beforeAll(async () => {
  open = await serve({ allowedHosts: ['profiles.example.com'] });
  locked = await serve({ token: 'correct horse' });
});
afterAll(() => {
  for (const server of servers) server.close();
});

describe('a request that is wrong gets its code and the reason', () => {
  test.each([
    ['seconds=x', 400, 'seconds must be a number from 0.1 to 600, not "x"'],
    ['seconds=0', 400, 'seconds must be'],
    ['seconds=601', 400, 'seconds must be'],
    ['seconds=1e2', 400, 'seconds must be'],
    ['seconds=1&seconds=2', 400, 'seconds is given twice'],
    ['hz=1001', 400, 'hz must be a number from 1 to 1000'],
    ['hz=500', 409, 'the sampler takes 100 samples a second'],
    ['format=pdf', 400, 'there is no format "pdf"; there are pprof, folded'],
    ['label=', 400, 'a label filter is key:value'],
    ['label=:x', 400, 'a label filter is key:value'],
    ['trace_id=', 400, 'a label filter is key:value'],
    ['gc=yes', 400, 'gc must be 0 or 1'],
    ['agent=planner', 400, 'there is no parameter "agent"; there are seconds'],
    [`label=${'x'.repeat(600)}`, 400, '"label" is too long'],
    ['label=a:b&'.repeat(17), 400, 'more than 16 filters'],
    [`label=${'x'.repeat(9_000)}`, 414, 'the URL is too long'],
  ])('%s', async (query, status, reason) => {
    const answer = await ask(open, `/debug/pprof/profile?${query}`);
    expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(reason)]);
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  });

  test.each([
    ['/debug/pprof/goroutine', 404, 'Node.js has no goroutine profile; there are profile'],
    ['/debug/pprof/nonsense', 404, 'there is no profile "nonsense"'],
    ['/debug/pprof/__proto__', 404, 'there is no profile'],
    ['/debug/pprof/../../etc/passwd', 404, 'there is no profile'],
    ['/debug/usage', 503, 'no bills are kept here'],
    ['/debug/usage/x', 404, 'there is nothing here'],
  ])('%s', async (path, status, reason) => {
    const answer = await ask(open, path);
    expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(reason)]);
  });

  test('methods that change something are refused', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const answer = await ask(open, '/debug/pprof/heap', {}, method);
      expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD']);
    }
  });
});

describe('who may ask', () => {
  const path = '/debug/status';

  test.each([
    ['127.0.0.1:6060', 200],
    ['[::1]:6060', 200],
    ['localhost', 200],
    ['app.localhost:80', 200],
    ['profiles.example.com', 200],
    ['PROFILES.example.com:443', 200],
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost.evil.example', 403],
    ['profiles.example.com@evil.example', 403],
    ['a b', 403],
  ])('Host %j: %i', async (host, status) => {
    expect((await ask(open, path, { Host: host })).status).toBe(status);
  });

  test.each([
    [{ Origin: 'https://evil.example' }, 403],
    [{ Origin: 'null' }, 403],
    [{ Origin: 'http://localhost:1' }, 403],
    [{ Origin: 'http://localhost:6060' }, 200],
    [{ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' }, 403],
    [{ 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'cors' }, 403],
    [
      {
        ...{ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' },
        'Sec-Fetch-Dest': 'iframe',
      },
      403,
    ],
    [
      {
        ...{ 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' },
        'Sec-Fetch-Dest': 'document',
      },
      200,
    ],
    [{ 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'cors' }, 200],
  ])('%j: %i', async (headers, status) => {
    expect((await ask(open, path, { Host: 'localhost:6060', ...headers })).status).toBe(status);
  });

  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
  test.each([
    [undefined, 401],
    ['Bearer wrong', 401],
    ['Bearer correct', 401],
    ['Bearer', 401],
    [basic('anyone:wrong'), 401],
    [basic('anyone:correct horse'), 200],
    [basic(':correct horse'), 200],
    ['Basic !!!', 401],
  ])('Authorization %j: %i', async (authorization, status) => {
    const headers = authorization === undefined ? {} : { Authorization: authorization };
    const answer = await ask(locked, path, headers as Record<string, string>);
    expect(answer.status).toBe(status);
    if (status === 401) expect(answer.headers['www-authenticate']).toContain('Basic realm=');
  });
});

test('every answer forbids guessing, keeping, framing and scripts, and sets no cookie', async () => {
  for (const path of ['/debug/status', '/debug/pprof/', '/debug/pprof/nothing', '/debug/usage']) {
    const { headers } = await ask(open, path, { Accept: 'text/html' });
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'/);
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(Object.keys(headers).filter((name) => /cookie|access-control/.test(name))).toEqual([]);
  }
});

describe('what tells nothing it need not', () => {
  test('cmdline has no arguments unless allowed', async () => {
    const shown = await ask(open, '/debug/pprof/cmdline');
    expect(shown.body.trimEnd().split('\0')).toEqual(process.argv.slice(0, 2));
    const all = await ask(await serve({ showArguments: true }), '/debug/pprof/cmdline');
    expect(all.body.trimEnd().split('\0')).toEqual(process.argv);
  });

  test('no page and no status has a variable of the environment', async () => {
    process.env['ENDPOINT_SECRET'] = 'a-value-that-must-not-appear';
    for (const path of ['/debug/status', '/debug/pprof/', '/debug/pprof/cmdline']) {
      expect((await ask(open, path)).body).not.toContain('a-value-that-must-not-appear');
    }
    delete process.env['ENDPOINT_SECRET'];
  });
});

test('a path without its last slash leads there, and HEAD has no body', async () => {
  const answer = await ask(open, '/debug/pprof');
  expect([answer.status, answer.headers.location]).toEqual([301, 'pprof/']);
  const head = await ask(open, '/debug/status', {}, 'HEAD');
  expect([head.status, head.body]).toEqual([200, '']);
  expect(Number(head.headers['content-length'])).toBeGreaterThan(10);
});

test('symbol says that there is nothing to look up, also to a POST', async () => {
  expect((await ask(open, '/debug/pprof/symbol')).body).toBe('num_symbols: 0\n');
  expect((await ask(open, '/debug/pprof/symbol', {}, 'POST')).body).toBe('num_symbols: 0\n');
});

test('an SVG may use the style it brings with it, and nothing else', async () => {
  const { status, headers } = await ask(open, '/debug/pprof/profile?seconds=0.1&format=svg');
  expect([status, headers['content-type']]).toEqual([200, 'image/svg+xml; charset=utf-8']);
  expect(headers['content-security-policy']).toBe(
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  );
});

test('a filter by a name that every object has finds no label', async () => {
  const path = '/debug/pprof/wall?seconds=0.2&format=top-json&label=';
  const [own, others] = await Promise.all([
    ask(open, `${path}constructor`),
    ask(open, `${path}!constructor`),
  ]);
  const total = ({ body }: Answer) => (JSON.parse(body) as { total: number }).total;
  expect(total(own)).toBe(0);
  expect(total(others)).toBeGreaterThan(0);
});
