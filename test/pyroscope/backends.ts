/** What the suite asks of a back end, of Pyroscope itself and of the strict receiver. */
import { setTimeout } from 'node:timers/promises';
import { goAvailable } from '../helpers/go.ts';
import { startPyroscope, startStrictReceiver } from './start.mjs';

export interface Filter {
  readonly label?: readonly [name: string, value: string];
  readonly span?: string;
}

export interface Backend {
  readonly url: string;
  /** Ids of the profile types of a service, sorted. */
  types(service: string): Promise<string[]>;
  /** Labels of its series, one entry per series and profile type. */
  series(service: string): Promise<Readonly<Record<string, string>>[]>;
  /** Sum of all samples. */
  total(service: string, type: string, filter?: Filter): Promise<number>;
  stop(): Promise<void>;
}

/** Back ends by the name the suite calls them. */
export const backends: Readonly<Record<string, () => Promise<Backend>>> = {
  'Pyroscope v1.12.0': async () => pyroscope(await startPyroscope()),
  'strict receiver of API v1.6.0': async () => strict(await startStrictReceiver()),
  ...runningServer(),
};

/** A server of any version that is already there. */
function runningServer() {
  const url = process.env['SPANPROF_TEST_PYROSCOPE_URL'];
  if (url === undefined) return {};
  return { [`the server at ${url}`]: async () => pyroscope({ url, stop: async () => {} }) };
}

export const canBuild: boolean = goAvailable;
if (!canBuild)
  console.warn('no Go: Pyroscope and the strict receiver are not built, their tests are skipped');

const HOUR_MILLIS = 3_600_000;
/**
 * Parts of Pyroscope ask each other over HTTP/2; on a busy machine one cancels another's stream now and
 * then, and the question is answered with 500 "canceled: stream error". Questions change nothing there.
 */
const ASK_ATTEMPTS = 5;
const ASK_AGAIN_MILLIS = 500;

export function pyroscope(
  { url, stop }: { url: string; stop(): Promise<void> },
  headers: Readonly<Record<string, string>> = {},
): Backend {
  const ask = async (method: string, question: object, attempt = 1): Promise<unknown> => {
    const now = Date.now();
    const range = { start: String(now - HOUR_MILLIS), end: String(now + HOUR_MILLIS) };
    const response = await fetch(`${url}/querier.v1.QuerierService/${method}`, {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/json',
        // Version 2 shows names with other characters only to those who ask.
        accept: '*/*; allow-utf8-labelnames=true',
      },
      body: JSON.stringify({ ...range, ...question }),
    });
    if (response.ok) return response.json();
    const failure = `${method}: ${response.status} ${await response.text()}`;
    if (response.status < 500 || attempt === ASK_ATTEMPTS) throw new Error(failure);
    await setTimeout(ASK_AGAIN_MILLIS);
    return ask(method, question, attempt + 1);
  };
  const series = async (service: string) => {
    const matchers = [`{service_name=${JSON.stringify(service)}}`];
    const { labelsSet = [] } = (await ask('Series', { matchers })) as {
      labelsSet?: { labels: { name: string; value: string }[] }[];
    };
    return labelsSet.map(({ labels }) =>
      Object.fromEntries(labels.map(({ name, value }) => [name, value])),
    );
  };
  return {
    url,
    stop,
    series,
    types: async (service) =>
      [...new Set((await series(service)).map((one) => one['__profile_type__'] ?? ''))].sort(),
    total: async (service, profileTypeID, { label, span } = {}) => {
      const matchers = [['service_name', service], ...(label === undefined ? [] : [label])];
      const labelSelector = `{${matchers.map(([name, value]) => `${name}=${JSON.stringify(value)}`)}}`;
      const question = { profileTypeID, labelSelector };
      const { flamegraph } = (
        span === undefined
          ? await ask('SelectMergeStacktraces', question)
          : await ask('SelectMergeSpanProfile', { ...question, spanSelector: [span] })
      ) as {
        flamegraph?: { total?: string };
      };
      return Number(flamegraph?.total ?? 0);
    },
  };
}

export function strict({ url, stop }: { url: string; stop(): Promise<void> }): Backend {
  const ask = async <T>(path: string, query: Record<string, string>): Promise<T> => {
    const response = await fetch(`${url}${path}?${new URLSearchParams(query)}`);
    return (await response.json()) as T;
  };
  return {
    url,
    stop,
    types: (service) => ask<string[]>('/types', { service }),
    series: async (service) =>
      Object.values(await ask<Record<string, Record<string, string>>>('/series', { service })),
    total: async (service, type, { label, span } = {}) =>
      Number(
        await ask<string>('/total', {
          service,
          type,
          ...(label === undefined ? {} : { label: label.join(':') }),
          ...(span === undefined ? {} : { span }),
        }),
      ),
  };
}
