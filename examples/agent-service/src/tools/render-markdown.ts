import { Marked } from 'marked';
import type { Tool } from '../types.ts';
import { putBounded, textArgument } from './input.ts';

/** Documents kept in a session's workspace. */
const MAX_DOCUMENTS = 3;
const MAX_CHARACTERS = 500_000;

const marked = new Marked({ gfm: true });

export const renderMarkdown: Tool = {
  name: 'render_markdown',
  description: 'Renders a Markdown document as HTML. Arguments: title, markdown.',
  async execute(input, { workspace }) {
    const title = textArgument(input, 'title');
    const html = renderDocument(textArgument(input, 'markdown', MAX_CHARACTERS));
    putBounded(workspace.documents, title, html, MAX_DOCUMENTS);
    return `rendered "${title}": ${html.length} characters of HTML`;
  },
};

function renderDocument(markdown: string): string {
  const body = marked.parse(markdown, { async: false });
  const headings = [...body.matchAll(/<h2>(.*?)<\/h2>/g)].map((match) => `<li>${match[1]}</li>`);
  return `<nav><ol>${headings.join('')}</ol></nav>\n<main>${body}</main>\n`;
}
