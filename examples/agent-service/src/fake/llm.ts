import type { Message, ToolCall } from '../types.ts';
import { markdownDraft, SUBJECTS, salesName } from './documents.ts';
import { Random } from './random.ts';

/** Sections of a long document and of a short report. */
const ARTICLE_SECTIONS = 100;
const REPORT_SECTIONS = 8;

type Request = readonly [tool: string, input: Record<string, unknown>];
/** What the model asks for in each round; when the rounds are over it answers. */
type Script = (question: string) => readonly (readonly Request[])[];

/** One script for each set of tools on offer, found by the first tool. */
const scripts: Readonly<Record<string, Script>> = {
  web_scraper: (question) => {
    const subject =
      SUBJECTS.find((name) => question.includes(name)) ?? new Random(question).pick(SUBJECTS);
    return [
      [
        ['web_scraper', { page: `${subject}-overview.html` }],
        ['web_scraper', { page: `${subject}-statistics.html` }],
      ],
      [['search_index', { query: `${subject} supply demand` }]],
      [['search_index', { query: question.slice(0, 100) }]],
    ];
  },
  render_markdown: (question) => {
    const title = `On ${question.slice(0, 60)}`;
    return [
      [['render_markdown', { title, markdown: markdownDraft(title, ARTICLE_SECTIONS) }]],
      [['archive', {}]],
    ];
  },
  data_analysis: (question) => {
    const title = `Report: ${question.slice(0, 60)}`;
    return [
      [['data_analysis', { dataset: salesName, group_by: 'region', measure: 'revenue' }]],
      [['render_markdown', { title, markdown: markdownDraft(title, REPORT_SECTIONS) }]],
    ];
  },
};

/** The model's next message: the same for the same conversation. */
export function nextMessage(messages: readonly Message[], toolNames: readonly string[]): Message {
  const lastUser = messages.findLastIndex((message) => message.role === 'user');
  const question = messages[lastUser]?.content ?? '';
  const turn = messages.slice(lastUser + 1);
  const round = turn.filter((message) => message.role === 'assistant').length;
  const requests = scripts[toolNames[0] ?? '']?.(question)[round] ?? [];
  if (requests.length > 0) {
    const calls = requests.map((request, i) => toolCall(request, `call_${round}_${i}`));
    return { role: 'assistant', content: '', tool_calls: calls };
  }
  const findings = turn.filter((message) => message.role === 'tool');
  const sources = findings.map((message) => `- ${message.content.slice(0, 400)}`);
  return { role: 'assistant', content: `What I found:\n${sources.join('\n')}` };
}

function toolCall([name, input]: Request, id: string): ToolCall {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input) } };
}
