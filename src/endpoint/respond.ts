import type { Page } from '../pages/document.ts';
import type { EndpointResponse } from './exchange.ts';

/** On every answer: nothing is guessed, kept, framed, or read by other origins; no script runs. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  // A page brings a policy of its own with the hashes of its script and style.
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
};

export function respond(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array | string,
): EndpointResponse {
  return { status, headers: { ...SECURITY_HEADERS, ...headers }, body };
}

export function text(
  status: number,
  line: string,
  headers: Readonly<Record<string, string>> = {},
): EndpointResponse {
  return respond(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers }, `${line}\n`);
}

export function html({ html: body, policy }: Page): EndpointResponse {
  const headers = { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': policy };
  return respond(200, headers, body);
}

export function json(value: unknown): EndpointResponse {
  const body = `${JSON.stringify(value, writable, 2)}\n`;
  return respond(200, { 'Content-Type': 'application/json' }, body);
}

/** What JSON has no word for. */
function writable(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}
