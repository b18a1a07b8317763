/** Who may ask: against DNS rebinding, web pages of other sites, and strangers without the token. */
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { crypto } from '../builtins.ts';
import { type EndpointRequest, Refusal } from './exchange.ts';

export interface GuardOptions {
  /** Asked for as `Authorization: Bearer …`, or as the password of Basic authentication. Not empty. */
  readonly token?: string | undefined;
  /** Names in `Host` that are accepted beside addresses, `localhost` and the machine's own name. */
  readonly allowedHosts?: readonly string[] | undefined;
}

/** Throws a `Refusal`: 403 or 401. */
export function guard(request: EndpointRequest, options: GuardOptions): void {
  if (!request.isUnixSocket) checkHost(request, options.allowedHosts ?? []);
  checkOrigin(request);
  if (options.token !== undefined) checkToken(request, options.token);
}

/**
 * A page that points its own name at our address sends that name as `Host`. An address cannot be
 * pointed anywhere, so addresses are always fine.
 */
function checkHost(request: EndpointRequest, allowed: readonly string[]): void {
  const host = request.header('host') ?? '';
  const name = nameOf(host);
  if (name === undefined) throw new Refusal(403, 'the Host header names no host');
  const bare = name.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0 || name === 'localhost' || name.endsWith('.localhost')) return;
  if (name === hostname().toLowerCase()) return;
  if (allowed.some((one) => one.toLowerCase() === name)) return;
  throw new Refusal(
    403,
    'this Host is not known here; use the address, or add the name to endpoint.allowedHosts',
  );
}

/** Of `name:port`, in lower case; undefined if it is no such thing. */
function nameOf(host: string): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/.exec(host.toLowerCase())?.[1];
}

/** Pages of other sites may link to us and nothing else: no script, image or frame of theirs. */
function checkOrigin(request: EndpointRequest): void {
  const origin = request.header('origin');
  if (origin !== undefined) {
    const own = (request.header('host') ?? '').toLowerCase();
    const isOwn = /^https?:\/\/(.*)$/.exec(origin.toLowerCase())?.[1] === own;
    if (!isOwn) throw new Refusal(403, 'requests of other origins are not answered');
  }
  const site = request.header('sec-fetch-site');
  if (site === undefined || site === 'same-origin' || site === 'none') return;
  const isLink =
    request.header('sec-fetch-mode') === 'navigate' &&
    request.header('sec-fetch-dest') === 'document' &&
    request.method === 'GET';
  if (!isLink) throw new Refusal(403, 'requests of other sites are not answered');
}

function checkToken(request: EndpointRequest, token: string): void {
  // Hashed, so that neither the length nor where they differ shows in the time it takes.
  const given = digest(tokenOf(request.header('authorization') ?? ''));
  if (crypto().timingSafeEqual(given, digest(token))) return;
  throw new Refusal(401, 'this endpoint asks for a token', {
    'WWW-Authenticate': 'Basic realm="spanprof", charset="UTF-8", Bearer realm="spanprof"',
  });
}

const digest = (text: string): Buffer => crypto().createHash('sha256').update(text).digest();

function tokenOf(authorization: string): string {
  const [, scheme = '', credentials = ''] = /^(\w+) +(\S+) *$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic') return '';
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}
