import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { decode } from '../../src/profile/decode.ts';
import type { Profile } from '../../src/profile/model.ts';
import { root } from './programs.ts';

/** One profile that reached the receiver. */
export interface Received {
  /** Labels of the series. */
  readonly labels: Readonly<Record<string, string>>;
  readonly profile: Profile;
  readonly headers: http.IncomingHttpHeaders;
}

/**
 * What the receiver does with a request: stores it, or fails in one way. `hang` never answers, `reset`
 * breaks the connection when a part of the body is there.
 */
export type Mood =
  | 'ok'
  | 'hang'
  | 'reset'
  | {
      readonly status: number;
      readonly headers?: http.OutgoingHttpHeaders;
      readonly body?: string;
    };

const tlsFile = (name: string) => readFileSync(join(root, 'test/fixtures/tls', name));
/** The authority behind the certificate of a receiver with TLS. */
export const caFile: string = join(root, 'test/fixtures/tls/ca.pem');
const TRUSTED = { key: tlsFile('server.key'), cert: tlsFile('server.pem') };
const UNTRUSTED = { key: tlsFile('other.key'), cert: tlsFile('other.pem') };

/** A server on loopback that takes Pyroscope's pushes and can fail in the ways that servers fail. */
export class Receiver {
  mood: Mood = 'ok';
  /** What it says at `/api/v1/status/buildinfo`; undefined: 404. */
  version: string | undefined = '1.12.0';
  readonly stored: Received[] = [];
  /** Every push, also those that were not stored: when it began. */
  readonly pushes: { readonly atMillis: number; readonly url: string }[] = [];
  readonly #isTls: boolean;
  #server: http.Server | https.Server;
  #port = 0;

  constructor(isTls = false) {
    this.#isTls = isTls;
    this.#server = this.#create();
  }

  get url(): string {
    return `http${this.#isTls ? 's' : ''}://127.0.0.1:${this.#port}`;
  }

  async up(): Promise<this> {
    this.#server = this.#create();
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Connections are refused from now on, until `up` takes the same port again. */
  async down(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Ends the connections there are; new ones are welcome. */
  disconnect(): void {
    this.#server.closeAllConnections();
  }

  /** With TLS: a certificate that nobody trusts, or the right one again. */
  present(certificate: 'trusted' | 'untrusted'): void {
    const context = certificate === 'trusted' ? TRUSTED : UNTRUSTED;
    if (this.#server instanceof https.Server) this.#server.setSecureContext(context);
    this.disconnect();
  }

  #create(): http.Server | https.Server {
    const handle = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      void this.#handle(request, response).catch(() => response.destroy());
    };
    return this.#isTls ? https.createServer(TRUSTED, handle) : http.createServer(handle);
  }

  async #handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { url = '' } = request;
    if (url.endsWith('/api/v1/status/buildinfo') && this.mood === 'ok') {
      const { version } = this;
      response.writeHead(version === undefined ? 404 : 200);
      response.end(JSON.stringify({ status: 'success', data: { version } }));
      return;
    }
    if (request.method === 'POST') this.pushes.push({ atMillis: Date.now(), url });
    if (this.mood === 'hang') return;
    if (this.mood === 'reset') {
      request.once('data', () => request.socket.resetAndDestroy());
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (this.mood !== 'ok') {
      const { status, headers, body } = this.mood;
      response.writeHead(status, headers).end(body ?? 'broken');
      return;
    }
    this.#store(url, request.headers, Buffer.concat(chunks));
    response.writeHead(200, { 'content-type': 'application/proto' }).end();
  }

  #store(url: string, headers: http.IncomingHttpHeaders, body: Buffer): void {
    if (url.includes('/ingest?')) {
      const name = new URL(url, 'http://receiver').searchParams.get('name') ?? '';
      this.stored.push({ labels: { name }, profile: decode(body), headers });
      return;
    }
    for (const { labels, pprof } of readPush(body)) {
      this.stored.push({ labels, profile: decode(pprof), headers });
    }
  }
}

/** `push.v1.PushRequest`: { series: [{ labels: [{ name, value }], samples: [{ rawProfile, ID }] }] } */
function readPush(body: Buffer): { labels: Record<string, string>; pprof: Buffer }[] {
  return fields(body).flatMap(({ content: series }) => {
    const labels: Record<string, string> = {};
    const pprofs: Buffer[] = [];
    for (const { field, content } of fields(series)) {
      const [first, second] = fields(content);
      if (field === 1) labels[String(first?.content)] = String(second?.content);
      else if (first !== undefined) pprofs.push(first.content);
    }
    return pprofs.map((pprof) => ({ labels, pprof }));
  });
}

/** Length-delimited fields of a protocol-buffer message; there are no others in a push. */
function fields(message: Buffer): { field: number; content: Buffer }[] {
  const found: { field: number; content: Buffer }[] = [];
  for (let at = 0; at < message.length; ) {
    const tag = message.readUInt8(at++);
    if ((tag & 7) !== 2) throw new Error(`wire type ${tag & 7} in a push`);
    let length = 0;
    for (let shift = 0, byte = 128; byte >= 128; shift += 7) {
      byte = message.readUInt8(at++);
      length += (byte & 127) * 2 ** shift;
    }
    found.push({ field: tag >> 3, content: message.subarray(at, at + length) });
    at += length;
  }
  return found;
}

/** Waits until it is so; throws with what `describe` says after a generous time. */
export async function until(
  isSo: () => boolean,
  describe: () => string = String.bind(undefined, isSo),
  timeoutMillis = 20_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMillis;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`did not happen in time: ${describe()}`);
    await delay(5);
  }
}
