/**
 * (b) A service of LLM agents, the typical case: OpenTelemetry spans around invocations and tools, tools
 * with real libraries, model calls that wait. Some milliseconds of CPU a request.
 */
import { createHash } from 'node:crypto';
import { Agent, createServer, request as httpRequest } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { SpanStatusCode } from '@opentelemetry/api';
import { load as parseHtml } from 'cheerio';
import { marked } from 'marked';
import MiniSearch from 'minisearch';
import { tracer } from '../lib/tracer.mjs';
import { done, serve, wrap } from './meter.mjs';

const usesSpans = process.env['BENCH_SPANS'] === 'on';

const words = 'energy cost grid storage wind solar price demand load market carbon heat'.split(' ');
const text = (from, count) =>
  Array.from({ length: count }, (_, i) => words[(from * 7 + i * i) % words.length]).join(' ');
const page = `<html><body>${Array.from({ length: 40 }, (_, i) => `<div class="row"><h2>${text(i, 4)}</h2><p>${text(i, 30)} <a href="/p${i}">more</a></p></div>`).join('')}</body></html>`;
const report = Array.from(
  { length: 20 },
  (_, i) => `## ${text(i, 4)}\n\n- ${text(i, 12)}\n- **${text(i, 5)}**\n\n${text(i, 40)}\n`,
).join('\n');
const index = new MiniSearch({ fields: ['title', 'text'] });
index.addAll(
  Array.from({ length: 400 }, (_, id) => ({ id, title: text(id, 3), text: text(id, 40) })),
);
const compress = promisify(gzip);

const tools = {
  web_scraper: async () => {
    const document = parseHtml(page);
    return document('.row')
      .map((_, row) => document(row).find('p').text())
      .get()
      .join('\n').length;
  },
  search_index: async (i) => index.search(text(i, 3), { prefix: true, fuzzy: 0.2 }).length,
  render_markdown: async () => (await marked.parse(report)).length,
  archive: async (i) =>
    createHash('sha256')
      .update(await compress(`${i}${report}`))
      .digest('hex').length,
};

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const LLM_PORT = Number(process.env['BENCH_LLM_PORT']);
function model(prompt) {
  return new Promise((resolve, reject) => {
    const call = httpRequest(
      { agent, port: LLM_PORT, host: '127.0.0.1', method: 'POST', path: '/v1/chat' },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => resolve(JSON.parse(body)));
      },
    );
    call.on('error', reject);
    call.end(JSON.stringify({ messages: [{ role: 'user', content: prompt }] }));
  });
}

/** A span as instrumentations make them; its labels also in the way of profilers without spans. */
function span(name, attributes, labels, fn) {
  return tracer.startActiveSpan(name, { attributes }, async (one) => {
    try {
      return await (usesSpans ? fn() : wrap(labels, fn));
    } catch (error) {
      one.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      one.end();
    }
  });
}

const tool = (name, i) =>
  span(
    `execute_tool ${name}`,
    { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': name },
    { tool_name: name },
    () => tools[name](i),
  );
const chat = (prompt) =>
  span('chat model', { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'model' }, {}, () =>
    model(prompt),
  );

async function invoke(i) {
  const name = i % 2 === 0 ? 'research_agent' : 'writer_agent';
  const session = `s${i % 40}`;
  const attributes = {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': name,
    'gen_ai.conversation.id': session,
  };
  return span(
    `invoke_agent ${name}`,
    attributes,
    { agent_name: name, session_id: session },
    async () => {
      await chat('plan');
      const used = i % 2 === 0 ? ['web_scraper', 'search_index'] : ['render_markdown', 'archive'];
      const sizes = [];
      for (const one of used) {
        sizes.push(await tool(one, i));
        await chat(`result ${sizes.at(-1)}`);
      }
      return { name, sizes };
    },
  );
}

let requests = 0;
serve(
  createServer(async (request, response) => {
    request.resume();
    const answer = JSON.stringify(await invoke(requests++));
    response.setHeader('content-type', 'application/json');
    response.end(answer);
    done();
  }),
);
