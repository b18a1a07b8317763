import MiniSearch from 'minisearch';
import type { Passage, Tool, Workspace } from '../types.ts';
import { textArgument } from './input.ts';

const MAX_HITS = 5;

export const searchIndex: Tool = {
  name: 'search_index',
  description: 'Finds the passages of the pages read so far that match. Argument: query.',
  async execute(input, { workspace }) {
    const query = textArgument(input, 'query');
    workspace.index ??= buildIndex(workspace);
    const hits = workspace.index.search(query, {
      prefix: true,
      fuzzy: 0.2,
      boost: { heading: 2 },
    });
    if (hits.length === 0) return 'no passage matches';
    return hits
      .slice(0, MAX_HITS)
      .map((hit) => `${hit.id} (${hit.score.toFixed(2)}): ${hit['heading']}`)
      .join('\n');
  },
};

function buildIndex(workspace: Workspace): MiniSearch<Passage> {
  const index = new MiniSearch<Passage>({
    fields: ['heading', 'text'],
    storeFields: ['heading'],
  });
  for (const passages of workspace.pages.values()) index.addAll(passages);
  return index;
}
