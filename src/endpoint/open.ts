/** The endpoint's own server or servers, as the configuration asks for them. */
import type { Config } from '../config/schema.ts';
import { Endpoint } from './endpoint.ts';
import { type EndpointServer, type ListenAt, listen } from './server.ts';
import type { EndpointSource } from './source.ts';

export interface OpenEndpoint {
  readonly addresses: readonly string[];
  /** One line for each place at which it could not listen. */
  readonly problems: readonly string[];
  close(): void;
}

/** Never rejects. */
export async function openEndpoint(
  config: Config['endpoint'],
  source: EndpointSource,
): Promise<OpenEndpoint> {
  const { host, port, socket, token, allowedHosts, showArguments } = config;
  const endpoint = new Endpoint(source, {
    token,
    allowedHosts: [host, ...allowedHosts],
    showArguments,
  });
  const places: ListenAt[] = [];
  if (port !== undefined) places.push({ host, port });
  if (socket !== undefined) places.push({ socket });
  const servers: EndpointServer[] = [];
  const problems: string[] = [];
  for (const place of places) {
    try {
      servers.push(await listen(endpoint, place));
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  return {
    addresses: servers.map(({ address }) => address),
    problems,
    close: () => {
      for (const server of servers) server.close();
    },
  };
}
