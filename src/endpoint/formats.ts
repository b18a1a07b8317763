/** A profile in the format that was asked for. */

import { promisify } from 'node:util';
import { zlib } from '../builtins.ts';
import { flamegraphDocument } from '../pages/flamegraph.ts';
import { pageProfile } from '../pages/profile-data.ts';
import { encode } from '../profile/encode.ts';
import { flamegraphSvg } from '../profile/flamegraph-svg.ts';
import { folded } from '../profile/folded.ts';
import type { Profile } from '../profile/model.ts';
import { speedscope } from '../profile/speedscope.ts';
import { formatTop, top } from '../profile/top.ts';
import { MILLIS_PER_SECOND, nanosToMillis } from '../units.ts';
import { type EndpointResponse, Refusal } from './exchange.ts';
import { FORMATS, type ProfileQuery } from './query.ts';
import { html, respond } from './respond.ts';

/** Far above real profiles; what is larger would cost the application more than it tells. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;
const DEFAULT_TOP_ROWS = 100;

/** An SVG brings its style with it and has no script. */
const SVG_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/** Throws a `Refusal` if the result is too large. */
export async function serve(profile: Profile, query: ProfileQuery): Promise<EndpointResponse> {
  if (query.format === 'flamegraph') {
    return html(flamegraphDocument(profile, { title: titleOf(profile) }));
  }
  const body = await write(profile, { ...query, format: query.format });
  if (body.length > MAX_RESPONSE_BYTES) {
    throw new Refusal(503, 'the profile is larger than 64 MiB; filter it by label');
  }
  const headers: Record<string, string> = { 'Content-Type': FORMATS[query.format] };
  if (query.format === 'pprof') {
    headers['Content-Disposition'] = `attachment; filename="${profile.profileType}.pb.gz"`;
  }
  if (query.format === 'svg') headers['Content-Security-Policy'] = SVG_POLICY;
  return respond(200, headers, body);
}

async function write(
  profile: Profile,
  query: ProfileQuery & { format: Exclude<ProfileQuery['format'], 'flamegraph'> },
): Promise<Uint8Array | string> {
  const title = titleOf(profile);
  switch (query.format) {
    case 'pprof':
      return await promisify(zlib().gzip)(encode(profile));
    case 'folded':
      return folded(profile);
    case 'speedscope':
      return speedscope(profile);
    case 'svg':
      return flamegraphSvg(profile, { title });
    case 'top':
      return `${formatTop(profile, { limit: query.limit ?? DEFAULT_TOP_ROWS })}\n`;
    case 'data':
      return JSON.stringify(pageProfile(profile, title));
    case 'top-json':
      return topJson(profile, query.limit ?? DEFAULT_TOP_ROWS);
  }
}

function topJson(profile: Profile, limit: number): string {
  const column = profile.sampleTypes.length - 1;
  const { type, unit } = profile.sampleTypes[column] ?? { type: '', unit: '' };
  const total = (profile.samples.values[column] ?? []).reduce((sum, value) => sum + value, 0);
  const functions = top(profile, column, { limit });
  return JSON.stringify({ profile: profile.profileType, type, unit, total, functions });
}

/** `cpu of checkout, 30 s` */
export function titleOf(profile: Profile): string {
  const service = profile.comments.find((comment) => comment.startsWith('service='))?.slice(8);
  const seconds = nanosToMillis(profile.durationNanos) / MILLIS_PER_SECOND;
  const length = profile.profileType === 'heap' ? '' : `, ${Number(seconds.toPrecision(3))} s`;
  return `${profile.profileType}${service === undefined ? '' : ` of ${service}`}${length}`;
}
