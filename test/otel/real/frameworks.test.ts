/**
 * Real agent frameworks with scripted models and no line of ours: names of agents and tools on the
 * samples of their work, in the accounts, and bills on their spans when they reach a real back end.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readProfiles, samplesOf, total } from '../../helpers/profiles.ts';
import { withFolder } from '../../helpers/programs.ts';
import { requireTool } from '../../helpers/tools.ts';
import { cpuOf, install, nodeFor, runApp, unbalanced, withoutBill } from './apps.ts';
import { type Jaeger, startJaeger } from './jaeger.ts';

interface Accounts {
  readonly accounts: Readonly<
    Record<'agents' | 'tools' | 'sessions', { readonly named: readonly Named[] }>
  >;
  readonly otel: unknown;
}
interface Named {
  readonly name: string;
  readonly cpuMicros: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What each tool burns, in CPU milliseconds; a little of it on other threads. */
const TOOL_MILLIS = 120;

describe.skipIf(requireTool('go') === undefined)('frameworks', () => {
  let jaeger: Jaeger;
  beforeAll(async () => {
    jaeger = await startJaeger();
  }, 600_000);
  afterAll(() => jaeger?.stop());

  test.each([
    {
      app: 'vercel-ai',
      node: 20,
      spans: 10,
      tokens: [200, 20],
      sessions: ['session-1', 'session-2'],
      tools: [
        'researcher/web_search',
        'researcher/render_markdown',
        'writer/web_search',
        'writer/render_markdown',
      ],
      runs: 1,
    },
    {
      app: 'langgraph',
      node: 20,
      spans: 60,
      tokens: [400, 40],
      sessions: ['session-1', 'session-2'],
      tools: ['researcher/web_search', 'writer/render_markdown'],
      runs: 2,
    },
    {
      app: 'adk',
      node: 20,
      spans: 10,
      tokens: [200, 20],
      sessions: ['session-of-researcher', 'session-of-writer'],
      tools: ['researcher/web_search', 'writer/render_markdown'],
      runs: 1,
    },
  ])('$app', async ({ app, node, spans, tokens, sessions, tools, runs }) => {
    await install(app);
    await withFolder(async (folder) => {
      const result = await runApp({
        ...{ app, service: app, folder, node: nodeFor(node), endpoint: jaeger.endpoint },
        preloads: ['spanprof', 'accounts.mjs'],
      });
      expect(result.code, result.stderr).toBe(0);
      expect(result.stderr).toBe('');

      // Samples: the work of each tool is its own and its agent's, and carries the ids of its span.
      const stored = await jaeger.spans(app, spans);
      const byId = new Map(stored.map((span) => [span.spanId, span]));
      const samples = readProfiles(folder, 'cpu').flatMap(({ profile }) => samplesOf(profile));
      const work = samples.filter(({ stack }) =>
        stack.some((name) => /searchTheWeb|renderMarkdown/.test(name)),
      );
      const found = new Set<string>();
      for (const { labels, stack } of work) {
        found.add(`${labels['agent_name']}/${labels['tool_name']}`);
        const does = stack.some((name) => name.includes('searchTheWeb'))
          ? 'web_search'
          : 'render_markdown';
        expect(labels['tool_name']).toBe(does);
        expect(byId.get(String(labels['span_id']))?.traceId).toBe(labels['trace_id']);
        expect(byId.get(String(labels['root_span_id']))?.parentId).toBeUndefined();
        expect(sessions).toContain(labels['session_id']);
      }
      expect([...found].sort()).toEqual([...tools].sort());
      const sampledMillis = total(work, 'value') / 1e6;
      expect(sampledMillis).toBeGreaterThan(0.7 * TOOL_MILLIS * tools.length * runs);

      // Bills: on every span, parents hold their children.
      expect(withoutBill(stored)).toEqual([]);
      expect(unbalanced(stored)).toEqual([]);
      const roots = stored.filter(({ parentId }) => parentId === undefined);
      expect(roots.every((span) => span.attributes['pyroscope.profile.id'] === span.spanId)).toBe(
        true,
      );
      expect(roots.reduce((sum, span) => sum + cpuOf(span), 0)).toBeGreaterThan(
        700 * TOOL_MILLIS * tools.length * runs,
      );

      // Accounts: agents, tools, sessions with their CPU and tokens.
      const line = result.stdout.split('\n').find((text) => text.startsWith('{"accounts"')) ?? '{}';
      const { accounts } = JSON.parse(line) as Accounts;
      const named = (group: keyof typeof accounts) =>
        accounts[group].named.map(({ name }) => name).sort();
      expect(named('agents')).toEqual(['researcher', 'writer']);
      expect(named('tools')).toEqual(['render_markdown', 'web_search']);
      expect(named('sessions')).toEqual(sessions);
      for (const agent of accounts.agents.named) {
        expect([agent.inputTokens, agent.outputTokens]).toEqual(tokens);
        expect(agent.cpuMicros).toBeGreaterThan(700 * TOOL_MILLIS);
      }
    });
  });
});
