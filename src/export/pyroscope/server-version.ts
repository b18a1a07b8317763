import type { HttpClient } from '../http.ts';

/**
 * Whether the server keeps `trace_id` on samples instead of making a series of every trace: from 2.1
 * on. A server that does not tell its version, or a proxy that hides it, gets no trace ids; undefined
 * if it cannot tell right now. Rejects if nobody answers.
 */
export async function takesTraceIds(
  http: HttpClient,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const path = '/api/v1/status/buildinfo';
  const { status, text } = await http.request({ method: 'GET', path, signal });
  if (status === 429 || status >= 500) return undefined;
  const version = /"version"\s*:\s*"v?(\d+)\.(\d+)/.exec(status === 200 ? text : '');
  if (version === null) return false;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  return major > 2 || (major === 2 && minor >= 1);
}
