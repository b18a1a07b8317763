import type { Agent } from './types.ts';

const agents: readonly Agent[] = [
  {
    name: 'research_agent',
    model: 'fake-large',
    instructions: 'Read the pages that bear on the question, search them and answer with sources.',
    tools: ['web_scraper', 'search_index'],
  },
  {
    name: 'writer_agent',
    model: 'fake-large',
    instructions: 'Write a well structured document on the subject, render it and archive it.',
    tools: ['render_markdown', 'archive'],
  },
  {
    name: 'analyst_agent',
    model: 'fake-small',
    instructions: 'Answer questions about the sales figures with numbers and a short report.',
    tools: ['data_analysis', 'render_markdown'],
  },
];

export function findAgent(name: string): Agent | undefined {
  return agents.find((agent) => agent.name === name);
}

export function agentNames(): string[] {
  return agents.map((agent) => agent.name);
}
