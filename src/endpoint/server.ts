/** A server of our own, for the endpoint alone; in nobody's way when the process wants to end. */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createConnection } from 'node:net';
import type { Endpoint } from './endpoint.ts';
import { answerNode } from './node-adapter.ts';
import { text } from './respond.ts';

/** Headers, and a body where there is one, come at once or not at all. */
const REQUEST_TIMEOUT_MILLIS = 10_000;
const CHECK_INTERVAL_MILLIS = 2_000;
const KEEP_ALIVE_MILLIS = 5_000;
/** Each may wait for a profile, and many do nothing. */
const MAX_CONNECTIONS = 256;
const MAX_HEADER_BYTES = 16 * 1024;

/** Where to listen: at a Unix socket, or at a port of an address. */
export type ListenAt =
  | { readonly socket: string }
  | { readonly host: string; readonly port: number };

export interface EndpointServer {
  /** `http://127.0.0.1:6060` or the path of the socket. */
  readonly address: string;
  close(): void;
}

/** Resolves when it listens; rejects with the reason if it cannot. */
export async function listen(endpoint: Endpoint, at: ListenAt): Promise<EndpointServer> {
  const server = serverFor(endpoint, 'socket' in at);
  try {
    await bindTo(server, at);
  } catch (error) {
    if (!('socket' in at) || !(await isAbandoned(at.socket, error))) throw error;
    unlinkSync(at.socket);
    await bindTo(server, at);
  }
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  try {
    if ('socket' in at) chmodSync(at.socket, OWNER_ONLY);
  } catch (error) {
    // Open to everybody on the machine is not what was asked for.
    close();
    throw error;
  }
  return { address: addressOf(server, at), close };
}

const OWNER_ONLY = 0o600;

function serverFor(endpoint: Endpoint, isUnixSocket: boolean): Server {
  const server = createServer(
    {
      headersTimeout: REQUEST_TIMEOUT_MILLIS,
      requestTimeout: REQUEST_TIMEOUT_MILLIS,
      connectionsCheckingInterval: CHECK_INTERVAL_MILLIS,
      keepAliveTimeout: KEEP_ALIVE_MILLIS,
      maxHeaderSize: MAX_HEADER_BYTES,
      requireHostHeader: false, // ours says why
    },
    (request, response) => {
      if (endpoint.owns(request.url ?? '/')) {
        void answerNode(endpoint, request, response, { isUnixSocket });
        return;
      }
      const { status, headers, body } = text(404, 'there is nothing here; see /debug/pprof/');
      response.writeHead(status, headers).end(body);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', (socket) => socket.unref());
  server.unref();
  return server;
}

function bindTo(server: Server, at: ListenAt): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const where = 'socket' in at ? { path: at.socket } : { host: at.host, port: at.port };
    // Exclusive: in a cluster the primary would deal requests to any of its workers.
    server.listen({ ...where, exclusive: true }, () => {
      server.off('error', reject);
      server.on('error', () => {}); // a failing accept is no reason to end the application
      resolve();
    });
  });
}

/** Whether a socket file is what a process that was killed has left behind. */
function isAbandoned(path: string, error: unknown): Promise<boolean> {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return Promise.resolve(false);
  // Connecting to a file that is no socket is refused in the same way.
  if (!lstatSync(path).isSocket()) return Promise.resolve(false);
  return new Promise((resolve) => {
    const probe = createConnection(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  });
}

function addressOf(server: Server, at: ListenAt): string {
  if ('socket' in at) return at.socket;
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
