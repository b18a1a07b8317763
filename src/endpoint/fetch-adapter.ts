/** The endpoint behind functions from `Request` to `Response`: Hono and its like. */
import type { Endpoint } from './endpoint.ts';

/** What proxies log for a client that did not wait; nobody sees it. */
const CLIENT_LEFT = 499;

/** Never rejects. */
export async function answerFetch(endpoint: Endpoint, request: Request): Promise<Response> {
  try {
    return await answer(endpoint, request);
  } catch {
    return new Response(null, { status: CLIENT_LEFT });
  }
}

async function answer(endpoint: Endpoint, request: Request): Promise<Response> {
  const url = new URL(request.url);
  const { status, headers, body } = await endpoint.handle({
    method: request.method,
    target: `${url.pathname}${url.search}`,
    // A Request made by hand has no Host header; its URL says the same.
    header: (name) => request.headers.get(name) ?? (name === 'host' ? url.host : undefined),
    signal: request.signal,
    isUnixSocket: false,
  });
  const isEmpty = request.method === 'HEAD';
  return new Response(isEmpty ? null : (body as string | Uint8Array<ArrayBuffer>), {
    status,
    headers,
  });
}
