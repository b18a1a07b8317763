/**
 * Google Cloud Profiler on loopback: the REST API over TLS, and the metadata server that gives out
 * tokens. It checks what the real service documents about requests, keeps what it was handed, and
 * answers as it is told to. The reference client is run against it too (`test/gcp/reference`).
 */
import { createVerify, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

export const tlsFolder: string = join(import.meta.dirname, 'tls');
export const caFile: string = join(tlsFolder, 'ca.pem');

/** What to do with one request. */
export type Step =
  /** Wants a profile; `reply` overrides fields of the reply, undefined removes them. */
  | { readonly want: string; readonly duration?: string; readonly reply?: Record<string, unknown> }
  /** Any answer. */
  | {
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Never answers. */
  | 'hang'
  /** Cuts the connection: before the reply, or in the middle of it. */
  | 'reset'
  | 'resetMidReply';

export interface Created {
  readonly atMillis: number;
  readonly deployment: { readonly projectId: string; readonly target: string };
  readonly profileType: readonly string[];
}

export interface HandedIn {
  readonly name: string | undefined;
  readonly profileType: string;
  readonly duration: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly deployment: unknown;
  /** As it came: gzip. */
  readonly pprof: Buffer;
  /** All fields of the request. */
  readonly fields: readonly string[];
}

/** `google.rpc.Status` as REST shows it. */
export function statusBody(code: number, status: string, message: string, retryDelay?: unknown) {
  const details =
    retryDelay === undefined
      ? []
      : [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }];
  return { error: { code, status, message, details } };
}

/** What the server says when it wants nothing for now. */
export function aborted(retryDelay?: unknown): Step {
  return { status: 409, body: statusBody(409, 'ABORTED', 'action throttled', retryDelay) };
}

const TYPES = ['CPU', 'WALL', 'HEAP', 'THREADS', 'CONTENTION', 'PEAK_HEAP', 'HEAP_ALLOC'];
const TARGET = /^[a-z0-9]([-a-z0-9_.]{0,253}[a-z0-9])?$/;
const LABEL_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const MAX_BODY_BYTES = 64 * 1024 * 1024;

export class CloudProfiler {
  /** Answers to the next requests for work, in order; then `otherwise`. */
  readonly next: Step[] = [];
  otherwise: Step = 'hang';
  /** Answers to the next profiles handed in, in order; then they are taken. */
  readonly nextUploads: Step[] = [];
  readonly created: Created[] = [];
  readonly handedIn: HandedIn[] = [];
  /** Requests that break a documented rule; the client got 400 or 401. */
  readonly violations: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  tokensGiven = 0;
  /** How long a token says it is valid. */
  tokenSeconds = 3_599;
  /** Public key of the service account that may have tokens, and what it said of itself. */
  serviceAccountKey: KeyObject | undefined;
  readonly claims: unknown[] = [];
  connections = 0;
  /** Requests that are being held. */
  held = 0;
  metadata: Readonly<Record<string, string>> = {
    'project/project-id': 'meta-project',
    'instance/zone': 'projects/123/zones/us-central1-a',
    'instance/name': 'vm-1',
  };
  readonly #api: Server;
  readonly #metadata: Server;
  readonly #sockets = new Set<Socket>();
  readonly #assigned = new Map<string, string>();
  #tokens = new Set<string>();
  #profiles = 0;

  constructor() {
    const key = readFileSync(join(tlsFolder, 'server.key'));
    const cert = readFileSync(join(tlsFolder, 'server.pem'));
    this.#api = createTlsServer({ key, cert }, (request, response) => {
      this.#onApi(request, response).catch((error: unknown) => {
        this.violations.push(String(error));
        response.destroy();
      });
    });
    this.#metadata = createServer(this.#onMetadata);
    this.#api.on('secureConnection', () => {
      this.connections++;
    });
    for (const server of [this.#api, this.#metadata]) {
      server.on('connection', (socket: Socket) => {
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
      });
    }
  }

  async listen(): Promise<this> {
    for (const server of [this.#api, this.#metadata]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    return this;
  }

  /** Base URL of the API. */
  get endpoint(): string {
    return `https://localhost:${portOf(this.#api)}`;
  }

  get port(): number {
    return portOf(this.#api);
  }

  /** What leads Google's libraries to the metadata server. */
  get environment(): Record<string, string> {
    return {
      GCE_METADATA_HOST: `127.0.0.1:${portOf(this.#metadata)}`,
      METADATA_SERVER_DETECTION: 'assume-present',
    };
  }

  /** No token given so far counts any longer. */
  revokeTokens(): void {
    this.#tokens = new Set();
  }

  /** Cuts all connections. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.drop();
    await Promise.all(
      [this.#api, this.#metadata].map((server) => new Promise((done) => server.close(done))),
    );
  }

  readonly #onMetadata = (request: IncomingMessage, response: ServerResponse): void => {
    response.setHeader('metadata-flavor', 'Google');
    const path = new URL(request.url ?? '', 'http://metadata').pathname;
    const key = path.replace('/computeMetadata/v1/', '');
    if (request.headers['metadata-flavor'] !== 'Google') {
      this.violations.push(`metadata asked without Metadata-Flavor: ${path}`);
      response.writeHead(403).end();
    } else if (key === 'instance/service-accounts/default/token') {
      reply(response, 200, this.#newToken());
    } else if (path === '/' || path === '/computeMetadata/v1/instance') {
      response.end();
    } else {
      const value = this.metadata[key];
      response.writeHead(value === undefined ? 404 : 200).end(value);
    }
  };

  /** Google's token endpoint: a service account shows a signed statement and gets a token. */
  #onToken(form: URLSearchParams, response: ServerResponse): void {
    const parts = (form.get('assertion') ?? '').split('.');
    const [header = '', claims = '', signature = ''] = parts;
    const isSigned =
      this.serviceAccountKey !== undefined &&
      createVerify('RSA-SHA256')
        .update(`${header}.${claims}`)
        .verify(this.serviceAccountKey, signature, 'base64url');
    if (!isSigned) {
      reply(response, 400, { error: 'invalid_grant', error_description: 'bad signature' });
      return;
    }
    this.claims.push(JSON.parse(Buffer.from(claims, 'base64url').toString()));
    reply(response, 200, this.#newToken());
  }

  #newToken(): object {
    this.tokensGiven++;
    const token = `token-${this.tokensGiven}`;
    this.#tokens.add(token);
    return { access_token: token, expires_in: this.tokenSeconds, token_type: 'Bearer' };
  }

  async #onApi(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.headers.push(request.headers);
    const text = await readBody(request);
    if (request.url === '/token') {
      this.#onToken(new URLSearchParams(text), response);
      return;
    }
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    if (!this.#tokens.has(token)) {
      reply(
        response,
        401,
        statusBody(401, 'UNAUTHENTICATED', 'invalid authentication credentials'),
      );
      return;
    }
    const { pathname } = new URL(request.url ?? '', this.endpoint);
    const body = JSON.parse(text) as Record<string, unknown>;
    const route = `${request.method} ${pathname}`;
    const created = /^POST \/v2\/projects\/([^/]+)\/profiles$/.exec(route);
    const offline = /^POST \/v2\/projects\/([^/]+)\/profiles:createOffline$/.exec(route);
    const patched = /^PATCH \/v2\/(projects\/[^/]+\/profiles\/[^/]+)$/.exec(route);
    try {
      if (created !== null) await this.#onCreate(created[1] ?? '', body, response);
      else if (offline !== null) {
        checkDeployment(body['deployment'], offline[1]);
        await this.#onHandedIn(body, undefined, response);
      } else if (patched !== null) {
        const name = patched[1] ?? '';
        const type = this.#assigned.get(name);
        check(type !== undefined, `${name} was never created`);
        check(body['profileType'] === type, `${name} is of type ${type}`);
        await this.#onHandedIn(body, name, response);
      } else reply(response, 404, statusBody(404, 'NOT_FOUND', `no route ${route}`));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.violations.push(message);
      reply(response, 400, statusBody(400, 'INVALID_ARGUMENT', message));
    }
  }

  async #onCreate(
    project: string,
    body: Record<string, unknown>,
    response: ServerResponse,
  ): Promise<void> {
    const { deployment, profileType } = body;
    checkDeployment(deployment, project);
    check(
      Array.isArray(profileType) &&
        profileType.length > 0 &&
        profileType.every((type) => TYPES.includes(type)),
      `profileType ${JSON.stringify(profileType)}`,
    );
    this.created.push({ ...(body as unknown as Created), atMillis: performance.now() });
    const step = this.next.shift() ?? this.otherwise;
    if (typeof step === 'string' || 'status' in step) {
      await this.#act(step, response);
      return;
    }
    const name = `projects/${project}/profiles/abc${++this.#profiles}`;
    this.#assigned.set(name, step.want);
    const { duration = '10s' } = step;
    reply(response, 200, { name, profileType: step.want, deployment, duration, ...step.reply });
  }

  async #onHandedIn(
    body: Record<string, unknown>,
    name: string | undefined,
    response: ServerResponse,
  ): Promise<void> {
    const { profileType, duration, profileBytes, labels, deployment } = body;
    check(TYPES.includes(String(profileType)), `profileType ${String(profileType)}`);
    check(/^\d+(\.\d{1,9})?s$/.test(String(duration)), `duration ${String(duration)}`);
    check(typeof profileBytes === 'string', 'profileBytes missing');
    const pprof = Buffer.from(String(profileBytes), 'base64');
    gunzipSync(pprof);
    checkLabels(labels ?? {});
    const step = this.nextUploads.shift();
    if (step !== undefined) {
      check(typeof step === 'string' || 'status' in step, 'an upload cannot be assigned work');
      await this.#act(step, response);
      return;
    }
    this.handedIn.push({
      name,
      profileType: String(profileType),
      duration: String(duration),
      labels: (labels ?? {}) as Record<string, string>,
      deployment,
      pprof,
      fields: Object.keys(body).sort(),
    });
    reply(response, 200, { name: name ?? 'projects/p/profiles/off', profileType, deployment });
  }

  /** Only the connection below TLS can be reset. */
  #reset(response: ServerResponse): void {
    for (const socket of this.#sockets) {
      if (socket.remotePort === response.socket?.remotePort) socket.resetAndDestroy();
    }
  }

  async #act(step: Step, response: ServerResponse): Promise<void> {
    if (step === 'hang') {
      this.held++;
      await new Promise((done) => response.once('close', done));
      this.held--;
    } else if (step === 'reset') {
      this.#reset(response);
    } else if (step === 'resetMidReply') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000 });
      response.write('{"name":"projects/');
      await delay(20);
      this.#reset(response);
    } else if ('status' in step) {
      reply(response, step.status, step.body, step.headers);
    }
  }
}

function checkDeployment(deployment: unknown, project: string | undefined): void {
  const { projectId, target, labels } = (deployment ?? {}) as Record<string, unknown>;
  check(projectId === project, `deployment.projectId ${String(projectId)} is not ${project}`);
  check(TARGET.test(String(target)), `target ${String(target)}`);
  checkLabels(labels);
  check((labels as { language?: unknown }).language === 'nodejs', 'the label language is missing');
}

function checkLabels(labels: unknown): void {
  let bytes = 0;
  for (const [name, value] of Object.entries(labels ?? {})) {
    check(LABEL_NAME.test(name), `label name ${name}`);
    check(typeof value === 'string' && Buffer.byteLength(value) <= 512, `label value of ${name}`);
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value as string);
  }
  check(bytes <= 1024, `${bytes} bytes of labels`);
}

function check(isRight: boolean, message: string): asserts isRight {
  if (!isRight) throw new Error(message);
}

function reply(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const isText = typeof body === 'string';
  response.writeHead(status, {
    'content-type': isText ? 'text/html' : 'application/json; charset=UTF-8',
    ...headers,
  });
  response.end(isText ? body : JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    check(bytes <= MAX_BODY_BYTES, 'request too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Waits for a condition; rejects after 20 s. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await delay(10);
  }
}
