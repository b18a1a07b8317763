/** Requests that nobody sends in good faith, and the codes they must get. */
import { connect } from 'node:net';

export interface HostileRequest {
  /** As it goes over the wire. */
  readonly bytes: string;
  /** What may be answered; empty where closing the connection is an answer too. */
  readonly codes: readonly number[];
  /** Nothing can follow it on its connection. */
  readonly isLast: boolean;
}

export interface Outcome {
  readonly code: number;
  readonly request: HostileRequest;
}

/** A small generator with a seed, so that a failure can be repeated. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export function hostileRequest(random: () => number, token: string): HostileRequest {
  const pick = <Item>(...items: readonly [Item, ...Item[]]): Item =>
    items[Math.floor(random() * items.length)] ?? items[0];
  const junk = (length: number) =>
    Array.from({ length }, () => String.fromCharCode(33 + Math.floor(random() * 94))).join('');
  const good = `Host: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n`;
  const get = (path: string, headers: string, codes: number[], method = 'GET'): HostileRequest => ({
    bytes: `${method} ${path} HTTP/1.1\r\n${headers}\r\n`,
    codes,
    isLast: false,
  });
  const path = pick('/debug/pprof/profile', '/debug/pprof/heap', '/debug/status', '/debug/pprof/');
  switch (Math.floor(random() * 12)) {
    case 0:
      return get(
        path,
        `Host: ${pick('evil.example', 'a.evil.example:80', 'x y', '[::g]', '%00', 'localhost.')}\r\n`,
        [403],
      );
    case 1:
      return get(
        path,
        `Host: 127.0.0.1\r\nAuthorization: ${pick('Bearer', 'Basic', 'Digest', '')} ${junk(20)}\r\n`,
        [401],
      );
    case 2:
      return get(
        path,
        `${good}Origin: ${pick('null', 'https://evil.example', junk(12))}\r\n`,
        [403],
      );
    case 3:
      return get(
        `/debug/pprof/profile?x${junk(1 + Math.floor(random() * 60)).replaceAll('#', '')}`,
        good,
        [400],
      );
    case 4:
      return get(`/debug/pprof/heap?label=${encodeURIComponent(junk(600))}`, good, [400]);
    case 5:
      return get(`/${junk(30).replace(/[?#]/g, '')}`, good, [404]);
    case 6:
      return get(
        `/debug/pprof/${pick('..%2f..%2f', '__proto__', 'constructor', '%', 'heap/x')}`,
        good,
        [404],
      );
    case 7:
      return get(
        `/debug/pprof/profile?seconds=${pick('-1', 'NaN', '1e9', '0x10', '9'.repeat(400), '1;2', '%31%')}`,
        good,
        [400],
      );
    case 8:
      return get(path, good, [405], pick('PUT', 'DELETE', 'PATCH', 'OPTIONS'));
    case 9:
      return get(`/debug/pprof/heap?${'x'.repeat(9_000)}`, good, [414]);
    case 10:
      return {
        bytes: `POST ${path} HTTP/1.1\r\n${good}Content-Length: 100000\r\n\r\n${junk(50)}`,
        codes: [405, 0],
        isLast: true,
      };
    default:
      return {
        bytes: pick(
          `${junk(200)}\r\n\r\n`,
          `GET ${path} HTTP/9.9\r\n\r\n`,
          `GET ${path} HTTP/1.1\r\nHost: a\r\nHost: b\r\nX: ${junk(20_000)}\r\n\r\n`,
          `GET ${path} HTTP/1.1\r\n${good}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nzz\r\n`,
          `GET ${path}`,
          '\0\0\0\0\0\0\0\0',
        ),
        codes: [],
        isLast: true,
      };
  }
}

/** Sends them together over one connection; what came back, in order. What is last is half-closed. */
export async function send(port: number, requests: readonly HostileRequest[]): Promise<Outcome[]> {
  const socket = connect({ host: '127.0.0.1', port });
  let answer = '';
  const codesSoFar = () =>
    Array.from(answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm), ([, code]) => Number(code));
  const text = requests.map(({ bytes }) => bytes).join('');
  if (requests.at(-1)?.isLast === true) socket.end(text, 'latin1');
  else socket.write(text, 'latin1');
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ANSWER_MILLIS);
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk;
      if (codesSoFar().length >= requests.length) socket.end();
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  socket.destroy();
  const codes = codesSoFar();
  return requests.map((request, i) => ({ request, code: codes[i] ?? 0 }));
}

/** Longer than the service takes to cut a slow client. */
const ANSWER_MILLIS = 20_000;
