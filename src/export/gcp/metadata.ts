/** What the metadata server of Google's machines says of this one. */
import { milliseconds } from '../../units.ts';
import type { Http } from './http.ts';

/** By number: a look-up of the name can take seconds elsewhere. */
const DEFAULT_HOST = '169.254.169.254';
const TIMEOUT_MILLIS = milliseconds(1_000);
/** In a new container of GKE the first answer may be missing. */
const ATTEMPTS = 2;
/** Ids and names; whatever is longer or looks different is somebody else's answer. */
const VALUE = /^[A-Za-z0-9][\w.:/-]{0,255}$/;

export type MetadataKey = 'project/project-id' | 'instance/zone' | 'instance/name';

/**
 * One value, its last part where it is a path (`projects/12/zones/europe-west1-b`). Undefined where
 * there is no such server or it does not know. The variables are those of Google's own libraries.
 */
export async function readMetadata(
  http: Http,
  key: MetadataKey,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (process.env['METADATA_SERVER_DETECTION'] === 'none') return undefined;
  const host = process.env['GCE_METADATA_HOST'] || process.env['GCE_METADATA_IP'] || DEFAULT_HOST;
  for (let attempt = 0; attempt < ATTEMPTS && !signal.aborted; attempt++) {
    try {
      const reply = await http.request({
        method: 'GET',
        url: `http://${host}/computeMetadata/v1/${key}`,
        headers: { 'metadata-flavor': 'Google' },
        timeoutMillis: TIMEOUT_MILLIS,
        signal,
      });
      const isGoogle = reply.headers['metadata-flavor'] === 'Google';
      const value = reply.text.trim();
      if (reply.status === 200 && isGoogle && VALUE.test(value)) return value.split('/').at(-1);
      if (reply.status === 404) return undefined;
    } catch {
      // Not there, or not yet.
    }
  }
  return undefined;
}
