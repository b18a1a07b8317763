/** The endpoint over bills that grow by two seconds each time somebody asks. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Endpoint } from '../../src/endpoint/endpoint.ts';
import { answerNode } from '../../src/endpoint/node-adapter.ts';
import type { UsageAccount, UsageFigures, UsageSnapshot } from '../../src/endpoint/usage.ts';
import { bytes, microseconds, milliseconds } from '../../src/units.ts';

export interface UsageServer {
  readonly url: string;
  close(): void;
}

const MIB = 1024 * 1024;

function figures(cpuMillis: number, mib: number, tokens: number): UsageFigures {
  return {
    cpuMicros: microseconds(Math.round(cpuMillis * 1_000)),
    allocatedBytes: bytes(Math.round(mib * MIB)),
    gcMicros: microseconds(Math.round(cpuMillis * 60)),
    tokens: Math.round(tokens),
  };
}

/** What has been spent after so many seconds; each share swings in a time of its own. */
export function usageAfter(seconds: number, sinceMillis: number): UsageSnapshot {
  const grown = (share: number, swing: number) =>
    share * 1_000 * (seconds + (swing * (1 - Math.cos(seconds / swing))) / 2);
  const account = (name: string, share: number, swing: number): UsageAccount => ({
    ...figures(grown(share, swing), grown(share, swing) / 90, grown(share, swing) * 1.7),
    name,
    invocations: Math.round(seconds * share * 40),
  });
  const agents = [
    account('research_agent', 0.34, 3),
    account('writer_agent', 0.15, 5),
    account('analyst_agent', 0.05, 9),
  ];
  const total = figures(grown(0.72, 4), grown(0.72, 4) / 80, 0);
  const attributed = agents.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0);
  return {
    sinceMillis: milliseconds(sinceMillis),
    method: 'exact',
    agents,
    tools: [
      account('web_scraper', 0.24, 3),
      account('search_index', 0.12, 4),
      account('render_markdown', 0.08, 6),
    ],
    sessions: Array.from({ length: 5 }, (_, i) =>
      account(`session-${i + 1}`, 0.1 / (i + 1), i + 2),
    ),
    open: [
      {
        ...figures(41, 3.2, 900),
        id: '1',
        agent: 'research_agent',
        tool: 'web_scraper',
        session: 'session-1',
        wallMicros: microseconds(312_000),
      },
      {
        ...figures(8, 0.6, 120),
        id: '2',
        agent: 'writer_agent',
        tool: undefined,
        session: 'session-3',
        wallMicros: microseconds(1_840_000),
      },
    ],
    total,
    unattributed: figures((total.cpuMicros - attributed) / 1_000, 0, 0),
  };
}

export async function startUsageServer(): Promise<UsageServer> {
  const begin = Date.now();
  let asked = 0;
  const endpoint = new Endpoint({
    record: () => {
      throw new Error('there is nothing to record here');
    },
    frequencyHertz: () => 100,
    status: () => ({ state: 'running' }),
    serviceName: () => 'agent-service',
    usage: () => {
      asked++;
      return usageAfter(60 + 2 * asked, begin - 60_000);
    },
  });
  const server = createServer((request, response) => void answerNode(endpoint, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
