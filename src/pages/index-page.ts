/** The page of `/debug/pprof/`: what there is and how to get it. */
import { escapeHtml, MARK, type Page, page } from './document.ts';
import { navigation } from './navigation.ts';

const PROFILES = [
  {
    name: 'profile',
    title: 'CPU',
    text: 'Where time on a CPU goes: by function, agent and tool.',
  },
  { name: 'wall', title: 'Wall', text: 'Where time passes, waiting included.' },
  { name: 'heap', title: 'Heap', text: 'What is alive, by where and by whom it was allocated.' },
  { name: 'allocs', title: 'Allocations', text: 'What is allocated, also what is gone already.' },
] as const;

const SECONDS = 10;

function card({ name, title, text }: (typeof PROFILES)[number]): string {
  const isHeap = name === 'heap';
  const query = isHeap ? '' : `seconds=${SECONDS}&`;
  const shown = isHeap ? 'type=heap&seconds=0' : `type=${name}&seconds=${SECONDS}`;
  return `<section class="card"><h2>${title}</h2><p>${text}</p>
<ul class="links"><li><a href="flamegraph?${shown}">flame graph</a></li><li><a href="${name}?${query}debug=1">top</a></li><li><a href="${name}?${query}format=folded">folded</a></li><li><a href="${name}?${query}format=speedscope">speedscope</a></li><li><a href="${name}?${query}format=pprof">pprof</a></li></ul></section>`;
}

/** `origin` is what the reader's browser calls this server. */
export function indexDocument(service: string, origin: string): Page {
  const title = `Profiles of ${service}`;
  const at = escapeHtml(origin);
  const body = `<header class="head">${MARK}
<div class="head-text"><h1>${escapeHtml(title)}</h1><p class="about">taken on demand; those links record for ${SECONDS} seconds</p></div>
${navigation('index')}<button type="button" class="plain" id="theme"></button>
</header>
<main>
<div class="cards">${PROFILES.map(card).join('\n')}</div>
<section class="panel"><h2>From a terminal</h2>
<pre tabindex="0">go tool pprof -http=: '${at}/debug/pprof/profile?seconds=30'
go tool pprof -top '${at}/debug/pprof/heap?gc=1'
curl '${at}/debug/pprof/profile?seconds=5&amp;label=agent_name:planner&amp;debug=1'
curl '${at}/debug/pprof/wall?seconds=5&amp;trace_id=4bf92f3577b34da6a3ce929d0e0e4736&amp;format=folded'</pre>
<p class="note"><code>seconds</code> 0.1 to 600 · <code>label=key:value</code>, <code>label=!key:value</code>, <code>trace_id</code>, <code>span_id</code>, as many as needed · <code>format</code> pprof, folded, top, top-json, speedscope, flamegraph, svg · <code>debug=1</code> text · <code>gc=1</code> collects garbage first</p></section>
</main>`;
  return page({
    title,
    body,
    scripts: ['element.js', 'theme.js', 'plain.js'],
    connects: false,
  });
}
