/** The flame graph page: one file to look at, send and keep, or the live one of the endpoint. */
import type { Profile } from '../profile/model.ts';
import { escapeHtml, MARK, type Page, page, type Theme } from './document.ts';
import { navigation } from './navigation.ts';
import { pageProfile } from './profile-data.ts';

export interface FlamegraphPageOptions {
  readonly title: string;
  /** `auto` follows the reader's system and is the default. */
  readonly theme?: Theme | undefined;
  /** A profile of the same type to compare with. */
  readonly base?: Profile | undefined;
}

/**
 * A self-contained HTML page: search, zoom, label filters, functions, and the difference to `base`.
 * Opens from a disk as well; asks nobody for anything. What would make it too large is left out and
 * named on it.
 */
export function flamegraphPage(profile: Profile, options: FlamegraphPageOptions): string {
  return flamegraphDocument(profile, options).html;
}

export function flamegraphDocument(profile: Profile, options: FlamegraphPageOptions): Page {
  const { title, theme, base } = options;
  const data = {
    profile: pageProfile(profile, title),
    base: base === undefined ? null : pageProfile(base, title),
    live: false,
  };
  return page({ title, theme, body: bodyOf(title, ''), scripts: SCRIPTS, data, connects: false });
}

/** The page on which profiles of the running program are taken and compared; served by the endpoint. */
export function explorerDocument(service: string): Page {
  const title = `Flame graphs of ${service}`;
  const data = { profile: null, base: null, live: true };
  const body = bodyOf(title, navigation('flamegraph'));
  return page({ title, body, scripts: SCRIPTS, data, connects: true });
}

const SCRIPTS = [
  'element.js',
  'quantity.js',
  'theme.js',
  'call-tree.js',
  'flame.js',
  'recorder.js',
  'flamegraph.js',
];

const bodyOf = (
  title: string,
  links: string,
): string => `<a class="skip" href="#flame">To the flame graph</a>
<header class="head">${MARK}
<div class="head-text"><h1 id="title">${escapeHtml(title)}</h1><p class="about" id="about"></p></div>
${links}<button type="button" class="plain" id="show-help" aria-label="Keys">?</button><button type="button" class="plain" id="theme"></button>
</header>
<main>
<section class="panel" id="recorder" aria-label="Record" hidden>
<div class="bar"><h2>Record the running program</h2><span class="spring"></span>
<label class="group"><span class="name">what</span><select id="record-type"><option value="profile">CPU</option><option value="wall">wall</option><option value="heap">heap</option><option value="allocs">allocations</option></select></label>
<label class="group"><span class="name">for</span><select id="record-seconds"><option value="0">a look (heap)</option><option value="2">2 s</option><option value="5" selected>5 s</option><option value="10">10 s</option><option value="30">30 s</option><option value="60">1 min</option></select></label>
<progress id="record-progress" max="1" value="0" aria-label="Recording" hidden></progress>
<button type="button" class="primary" id="record">Record</button></div>
<p class="note" id="record-message" role="status"></p>
<div class="scroll" id="recordings" hidden><table><caption>Recordings</caption><tbody id="recording-rows"></tbody></table></div>
</section>
<p class="panel empty" id="empty">No profile yet. Record one, then another, and compare the two.</p>
<div id="shown" hidden>
<div class="bar">
<button type="button" id="back" title="Back (Backspace)">← Back</button>
<div class="segments" role="group" aria-label="View"><button type="button" id="show-flame">Flame graph</button><button type="button" id="show-functions">Functions</button></div>
<div class="segments" role="group" aria-label="Value" id="columns"></div>
<div class="group" id="groups-box" role="group" aria-label="Top levels"><span class="name">on top</span><span class="group" id="groups"></span></div>
<span class="spring"></span>
<label class="field"><span aria-hidden="true">⌕</span><input type="search" id="search" placeholder="Search names and files" aria-label="Search names and files" autocomplete="off" spellcheck="false"><span class="found" id="found" role="status"></span><kbd class="hint" aria-hidden="true">/</kbd></label>
</div>
<div class="group bar" id="filters" role="group" aria-label="Filters"></div>
<div class="split" id="split">
<section class="panel" id="who-panel" aria-labelledby="who-title">
<div class="group"><h2 id="who-title" class="name">Who</h2><select id="who-key" aria-label="Label"></select></div>
<ul class="who" id="who"></ul>
</section>
<section class="panel" aria-label="Profile">
<div class="crumbs" id="crumbs" role="group" aria-label="Zoomed to"></div>
<p class="note" id="legend" hidden>Compared: <span class="rise">red has become more</span>, <span class="fall">blue less</span>; widths are those of the profile shown.</p>
<div id="flame-view"><div class="flame" id="flame" role="tree" aria-label="Flame graph"></div><div class="detail" id="detail"></div></div>
<div id="table-view" class="scroll" hidden><table><thead><tr><th scope="col">Function</th><th scope="col" class="number" colspan="2"><button type="button" id="sort-self">Self</button></th><th scope="col" class="number" colspan="2"><button type="button" id="sort-total">Total</button></th><th scope="col" class="number" id="change-head">Change of self</th><th scope="col">Where</th></tr></thead><tbody id="rows"></tbody></table></div>
</section>
</div>
</div>
<dialog id="help" aria-labelledby="help-title"><h2 id="help-title">Keys</h2>
<dl><dt><kbd>/</kbd></dt><dd>search; <kbd>Esc</kbd> ends it</dd><dt><kbd>←</kbd> <kbd>→</kbd> <kbd>↑</kbd> <kbd>↓</kbd></dt><dd>from frame to frame</dd><dt><kbd>Enter</kbd></dt><dd>zoom</dd><dt><kbd>Backspace</kbd></dt><dd>back, as does <kbd>Esc</kbd></dd><dt><kbd>r</kbd></dt><dd>all of it again</dd><dt><kbd>f</kbd></dt><dd>flame graph or functions</dd><dt><kbd>t</kbd></dt><dd>dark or light</dd></dl>
<form method="dialog"><button class="primary">Close</button></form></dialog>
</main>`;
