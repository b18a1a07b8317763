/** The page of `/debug/usage`: accounts and open invocations, live. */
import { escapeHtml, MARK, type Page, page } from './document.ts';
import { navigation } from './navigation.ts';

export function usageDocument(service: string): Page {
  const title = `Usage of ${service}`;
  return page({
    title,
    body: bodyOf(title),
    scripts: ['element.js', 'quantity.js', 'theme.js', 'usage.js'],
    connects: true,
  });
}

const HEADS = ['Invocations', 'CPU', 'Share'];
const MORE_HEADS = ['Allocated', 'GC', 'Tokens'];

const number = (head: string): string => `<th scope="col" class="number">${head}</th>`;

const accountPanel = (
  kind: string,
  title: string,
): string => `<section class="panel" id="${kind}-panel" hidden>
<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table><caption>${title}</caption><thead><tr><th scope="col">Name</th>${HEADS.map(number).join('')}<th scope="col">CPU a second</th>${MORE_HEADS.map(number).join('')}</tr></thead><tbody id="${kind}-rows"></tbody></table></div>
</section>`;

const tile = (title: string, id: string, spark?: string): string =>
  `<div class="tile"><h2>${title}</h2><p id="${id}">–</p>${spark === undefined ? '' : `<div id="${spark}"></div>`}</div>`;

const bodyOf = (title: string): string => `<header class="head">${MARK}
<div class="head-text"><h1>${escapeHtml(title)}</h1><p class="about" id="about"></p></div>
${navigation('usage')}<span class="live" id="state" role="status">live</span><button type="button" id="pause">Pause</button><button type="button" class="plain" id="theme"></button>
</header>
<main>
<div class="tiles">
${tile('CPU now', 'cpu-rate', 'cpu-spark')}
${tile('Allocating', 'bytes-rate', 'bytes-spark')}
${tile('CPU with an owner', 'attributed')}
${tile('Open invocations', 'open-count')}
</div>
${accountPanel('agents', 'Agents')}
${accountPanel('tools', 'Tools')}
<section class="panel"><h2>Open invocations</h2><p class="note" id="open-none">None at this moment.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Open invocations" id="open-table" hidden><table><thead><tr><th scope="col">Agent</th><th scope="col">Tool</th><th scope="col">Session</th>${['Running for', 'CPU', 'Allocated'].map(number).join('')}</tr></thead><tbody id="open-rows"></tbody></table></div>
</section>
${accountPanel('sessions', 'Sessions')}
</main>`;
