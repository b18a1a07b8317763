/** The two ways to hand a profile to Pyroscope. */
import { crypto } from '../../builtins.ts';
import { messageBytes, ProtobufWriter, varintBytes } from '../../profile/protobuf.ts';
import { MILLIS_PER_SECOND } from '../../units.ts';
import type { EncodedProfile } from '../exporter.ts';
import type { HttpRequest } from '../http.ts';

/** `push`: the Connect call of Pyroscope 1 and 2; `ingest`: what older servers and agents know. */
export type Protocol = 'push' | 'ingest';

export type SeriesLabels = readonly (readonly [name: string, value: string])[];

/** One part of a profile: `pprof` is gzip-compressed. */
export function requestFor(
  protocol: Protocol,
  profile: EncodedProfile,
  series: SeriesLabels,
  pprof: Uint8Array,
): Omit<HttpRequest, 'signal'> {
  return protocol === 'push' ? pushRequest(series, pprof) : ingestRequest(profile, series, pprof);
}

/** Fields of `push.v1.PushRequest` and the messages in it. */
const PUSH = { series: 1 };
const SERIES = { label: 1, sample: 2 };
const LABEL = { name: 1, value: 2 };
const SAMPLE = { rawProfile: 1, id: 2 };

function pushRequest(series: SeriesLabels, pprof: Uint8Array): Omit<HttpRequest, 'signal'> {
  const id = uuidOf(pprof);
  const labels = series.map(([name, value]) => {
    const texts = messageBytes(Buffer.byteLength(name)) + messageBytes(Buffer.byteLength(value));
    return { name, value, texts };
  });
  const sampleBytes = messageBytes(pprof.length) + messageBytes(id.length);
  const seriesBytes =
    labels.reduce((sum, { texts }) => sum + messageBytes(texts), 0) + messageBytes(sampleBytes);
  const writer = new ProtobufWriter(messageBytes(seriesBytes) + varintBytes(seriesBytes));
  writer.open(PUSH.series, seriesBytes);
  for (const { name, value, texts } of labels) {
    writer.open(SERIES.label, texts);
    writer.text(LABEL.name, name);
    writer.text(LABEL.value, value);
  }
  writer.open(SERIES.sample, sampleBytes);
  writer.open(SAMPLE.rawProfile, pprof.length);
  writer.raw(pprof);
  writer.text(SAMPLE.id, id);
  return {
    method: 'POST',
    path: '/push.v1.PusherService/Push',
    headers: { 'content-type': 'application/proto', 'connect-protocol-version': '1' },
    body: writer.finish(),
  };
}

/** The same profile has the same id, however often it is sent. */
function uuidOf(pprof: Uint8Array): string {
  const hex = crypto().createHash('sha256').update(pprof).digest('hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function ingestRequest(
  profile: EncodedProfile,
  series: SeriesLabels,
  pprof: Uint8Array,
): Omit<HttpRequest, 'signal'> {
  const query = new URLSearchParams({
    name: ingestName(series),
    format: 'pprof',
    // Otherwise the server guesses the language from file names.
    spyName: 'nodespy',
    from: String(Math.floor(profile.startMillis / MILLIS_PER_SECOND)),
    until: String(Math.ceil(profile.endMillis / MILLIS_PER_SECOND)),
  });
  return {
    method: 'POST',
    path: `/ingest?${query}`,
    headers: { 'content-type': 'application/octet-stream' },
    body: pprof,
  };
}

/** `service{key=value,…}`: there is no quoting, so what would end a part early is replaced. */
function ingestName(series: SeriesLabels): string {
  let service = '';
  const labels: string[] = [];
  for (const [name, value] of series) {
    if (name === 'service_name') service = value.replaceAll(/[^A-Za-z0-9_./-]/g, '_');
    // The server names the profile after its values.
    else if (name !== '__name__') labels.push(`${name}=${value.replaceAll(/[{},=\p{Cc}]/gu, '_')}`);
  }
  return `${service}{${labels.join(',')}}`;
}
