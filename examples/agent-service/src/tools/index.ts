import type { Tool } from '../types.ts';
import { archive } from './archive.ts';
import { dataAnalysis } from './data-analysis.ts';
import { renderMarkdown } from './render-markdown.ts';
import { searchIndex } from './search-index.ts';
import { webScraper } from './web-scraper.ts';

const tools: readonly Tool[] = [webScraper, searchIndex, renderMarkdown, archive, dataAnalysis];

export function findTool(name: string): Tool | undefined {
  return tools.find((tool) => tool.name === name);
}
