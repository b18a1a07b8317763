/** The flame graph page: state, controls and keyboard. Everything shown follows from `state`. */
import { buildTree, functionTable, shortName, sumsByLabel } from './call-tree.js';
import { byId, element } from './element.js';
import { ancestors, drawFlame } from './flame.js';
import { change, percent, quantity } from './quantity.js';
import { recorder } from './recorder.js';
import { themeSwitch } from './theme.js';

/** @typedef {import('./call-tree.js').CallNode} CallNode */
/** @typedef {import('./call-tree.js').PageProfile} PageProfile */
/** @typedef {import('./call-tree.js').LabelFilter} LabelFilter */
/**
 * @typedef {object} State
 * @property {number} column
 * @property {string[]} groupBy
 * @property {LabelFilter[]} filters
 * @property {string[]} zoom keys from the root down
 * @property {'flame' | 'functions'} view
 */

/** Rows of the table of functions; further ones have next to nothing. */
const MAX_ROWS = 200;
/** What agents are told apart by comes first. */
const FIRST_KEYS = ['agent_name', 'tool_name'];

/** One value for each piece of work: to be filtered by, but no way to put work together. */
const IDS = ['invocation_id', 'span_id', 'trace_id', 'root_span_id'];

/** @type {{ profile: PageProfile | null, base: PageProfile | null, live: boolean }} */
const given = JSON.parse(byId('data').textContent ?? '');
let profile = given.profile;
let base = given.base;
/** @type {State} */
let state = initialState();
/** @type {State[]} for going back; `at` is the one shown */
let states = [state];
let at = 0;
let text = '';
/** @type {'self' | 'total'} */
let sortBy = 'self';
/** @type {Map<HTMLElement, CallNode>} */
let drawn = new Map();
/** @type {CallNode | undefined} */
let root;
let whoKey = '';

const flame = byId('flame');
const searchBox = /** @type {HTMLInputElement} */ (byId('search'));

/** @returns {State} */
function initialState() {
  const keys = profile?.labelKeys ?? [];
  return {
    column: (profile?.columns.length ?? 1) - 1,
    groupBy: FIRST_KEYS.filter((key) => keys.includes(key)),
    filters: [],
    zoom: [],
    view: 'flame',
  };
}

// ---- going there and back -------------------------------------------------------------------------

/** @param {Partial<State>} next */
function go(next) {
  state = { ...state, ...next };
  states = [...states.slice(0, at + 1), state];
  at = states.length - 1;
  history.pushState({ at }, '');
  render();
}

addEventListener('popstate', (event) => {
  at = Math.min(Number(event.state?.at ?? 0), states.length - 1);
  state = states[at] ?? state;
  render();
});

function back() {
  if (at > 0) history.back();
}

// ---- drawing --------------------------------------------------------------------------------------

function render() {
  byId('empty').hidden = profile !== null;
  byId('shown').hidden = profile === null;
  if (profile === null) return;
  root = buildTree(profile, state, base ?? undefined);
  byId('title').textContent = base === null ? profile.title : `${profile.title}, compared`;
  byId('about').textContent = [...profile.about, ...profile.leftOut].join(' · ');
  renderColumns(profile);
  renderGroups(profile);
  renderFilters();
  renderWho(profile);
  /** @type {HTMLButtonElement} */ (byId('back')).disabled = at === 0;
  byId('legend').hidden = base === null;
  byId('flame-view').hidden = state.view !== 'flame';
  byId('table-view').hidden = state.view !== 'functions';
  press('show-flame', state.view === 'flame');
  press('show-functions', state.view === 'functions');
  const zoom = zoomed(root);
  renderCrumbs(zoom);
  if (state.view === 'flame') renderFlame(zoom);
  else renderFunctions(zoom);
  renderFound(root);
}

/** @param {CallNode} tree */
function zoomed(tree) {
  let node = tree;
  for (const key of state.zoom) {
    const child = node.children.get(key);
    if (child === undefined) break;
    node = child;
  }
  return node;
}

const unitOf = () => profile?.columns[state.column]?.unit ?? '';
const compares = () => base !== null;

/** @param {CallNode} zoom */
function renderFlame(zoom) {
  drawn = drawFlame(flame, { zoom, unit: unitOf(), compares: compares(), search: pattern() });
  const first = [...drawn].find(([, node]) => node === zoom)?.[0];
  if (first !== undefined) first.tabIndex = 0;
  detail(zoom);
}

/** @param {string} id @param {boolean} isPressed */
function press(id, isPressed) {
  byId(id).setAttribute('aria-pressed', String(isPressed));
}

/** @param {PageProfile} shown */
function renderColumns(shown) {
  const names = shown.columns.map(({ type, unit }, column) =>
    toggle(
      unit === 'count' ? type.replaceAll('_', ' ') : columnName(type),
      state.column === column,
      () => go({ column }),
    ),
  );
  byId('columns').replaceChildren(...names);
}

/** @param {string} type */
const columnName = (type) => (/_space$/.test(type) ? 'bytes' : `${type} time`);

/** @param {string} name @param {boolean} isPressed @param {() => void} act */
function toggle(name, isPressed, act) {
  const button = element('button', { type: 'button', 'aria-pressed': String(isPressed) }, name);
  button.addEventListener('click', act);
  return button;
}

/** @param {PageProfile} shown */
function renderGroups(shown) {
  const keys = shown.labelKeys.filter((key) => !IDS.includes(key));
  const buttons = keys.map((key) => {
    const isOn = state.groupBy.includes(key);
    const groupBy = isOn ? state.groupBy.filter((one) => one !== key) : [...state.groupBy, key];
    return toggle(shortName(key), isOn, () => go({ groupBy, zoom: [] }));
  });
  byId('groups').replaceChildren(...buttons);
  byId('groups-box').hidden = buttons.length === 0;
}

function renderFilters() {
  const chips = state.filters.map((filter) => {
    const { key, value, negated } = filter;
    const said = value === undefined ? 'none' : value;
    const chip = element(
      'button',
      { type: 'button', class: 'chip', 'aria-label': `Remove the filter ${key} ${said}` },
      `${shortName(key)}${negated ? ' ≠ ' : ': '}${said} ✕`,
    );
    chip.addEventListener('click', () => {
      go({ filters: state.filters.filter((one) => one !== filter) });
    });
    return chip;
  });
  byId('filters').replaceChildren(...chips);
}

/** @param {PageProfile} shown */
function renderWho(shown) {
  const select = /** @type {HTMLSelectElement} */ (byId('who-key'));
  byId('who-panel').hidden = shown.labelKeys.length === 0;
  byId('split').classList.toggle('alone', shown.labelKeys.length === 0);
  if (!shown.labelKeys.includes(whoKey)) whoKey = shown.labelKeys[0] ?? '';
  select.replaceChildren(
    ...shown.labelKeys.map((key) => element('option', { value: key }, shortName(key))),
  );
  select.value = whoKey;
  const sums = sumsByLabel(shown, state.column, whoKey, state.filters);
  const whole = sums.reduce((sum, [, value]) => sum + value, 0);
  const rows = sums.slice(0, 50).map(([value, sum]) => {
    const name = value ?? `no ${shortName(whoKey)}`;
    const bar = element('i');
    bar.style.width = `${(sum / whole) * 100}%`;
    const button = element(
      'button',
      {
        type: 'button',
        title: `${quantity(sum, unitOf())}. Click: only this; with Shift: without it`,
      },
      element('span', { class: 'label' }, name),
      element('span', { class: 'value' }, percent(sum, whole)),
      element('span', { class: 'meter' }, bar),
    );
    button.addEventListener('click', (event) => {
      const filter = { key: whoKey, value, negated: event.shiftKey };
      const others = state.filters.filter((one) => one.key !== whoKey || one.negated);
      go({ filters: [...others, filter], zoom: [] });
    });
    return element('li', { class: value === undefined ? 'without' : '' }, button);
  });
  byId('who').replaceChildren(...rows);
}

/** @param {CallNode} zoom */
function renderCrumbs(zoom) {
  const path = [...ancestors(zoom), zoom];
  const parts = path.flatMap((node, i) => {
    const button = element('button', { type: 'button', title: node.name }, node.name);
    button.addEventListener('click', () => zoomTo(node));
    return i === 0 ? [button] : [element('span', { 'aria-hidden': 'true' }, '›'), button];
  });
  byId('crumbs').replaceChildren(...parts);
}

/** @param {CallNode} node */
function zoomTo(node) {
  const zoom = [...ancestors(node), node].slice(1).map(({ key }) => key);
  if (zoom.join('\n\n') !== state.zoom.join('\n\n')) go({ zoom });
}

/** @param {CallNode} zoom */
function renderFunctions(zoom) {
  const found = pattern();
  const rows = functionTable(zoom)
    .filter(({ name, file }) => found === undefined || found.test(name) || found.test(file))
    .sort((a, b) => b[sortBy] - a[sortBy]);
  const body = rows.slice(0, MAX_ROWS).map((row) => {
    const place = row.file === '' ? '' : `${row.file}${row.line === 0 ? '' : `:${row.line}`}`;
    const cells = [
      number(quantity(row.self, unitOf())),
      number(percent(row.self, zoom.total)),
      number(quantity(row.total, unitOf())),
      number(percent(row.total, zoom.total)),
    ];
    if (compares()) {
      const more = row.self - row.selfBefore;
      const said = `${more >= 0 ? '+' : '−'}${quantity(Math.abs(more), unitOf())}`;
      cells.push(element('td', { class: `number ${more > 0 ? 'rise' : 'fall'}` }, said));
    }
    const name = element('th', { scope: 'row', class: 'code' }, row.name);
    return element('tr', {}, name, ...cells, element('td', { class: 'code place' }, place));
  });
  byId('rows').replaceChildren(...body);
  byId('change-head').hidden = !compares();
  for (const key of /** @type {const} */ (['self', 'total'])) {
    const head = byId(`sort-${key}`).parentElement;
    if (sortBy === key) head?.setAttribute('aria-sort', 'descending');
    else head?.removeAttribute('aria-sort');
  }
}

/** @param {string} said */
const number = (said) => element('td', { class: 'number' }, said);

/** What the search box says; a pattern where it is one, else the text itself. */
function pattern() {
  if (text === '') return undefined;
  try {
    return new RegExp(text, 'i');
  } catch {
    return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i');
  }
}

/** @param {CallNode} tree */
function renderFound(tree) {
  const found = pattern();
  if (found === undefined) {
    byId('found').textContent = '';
    return;
  }
  /** @param {CallNode} node @returns {number} what matches, nested matches once */
  const sum = (node) => {
    if (found.test(node.name) || (node.kind === 'frame' && found.test(node.file)))
      return node.total;
    let inside = 0;
    for (const child of node.children.values()) inside += sum(child);
    return inside;
  };
  const matched = sum(tree);
  byId('found').textContent =
    matched === 0 ? 'no match' : `${percent(matched, tree.total)} matched`;
}

/** @param {CallNode} node */
function detail(node) {
  const whole = root?.total ?? 0;
  const place =
    node.kind === 'frame'
      ? node.file + (node.line === 0 ? '' : `:${node.line}`)
      : node.kind === 'label'
        ? shortName(node.file)
        : '';
  const figures = [
    `total ${quantity(node.total, unitOf())} (${percent(node.total, whole)})`,
    `self ${quantity(node.self, unitOf())} (${percent(node.self, whole)})`,
  ];
  if (node.parent !== undefined) {
    figures.push(`${percent(node.total, node.parent.total)} of its caller`);
  }
  if (compares()) {
    figures.push(`before ${quantity(node.before, unitOf())} (${change(node.before, node.total)})`);
  }
  byId('detail').replaceChildren(
    element(
      'div',
      {},
      element('b', {}, node.name),
      ' ',
      element('span', { class: 'where' }, place),
    ),
    element('div', { class: 'figures' }, ...figures.map((one) => element('span', {}, one))),
  );
}

// ---- controls -------------------------------------------------------------------------------------

themeSwitch(/** @type {HTMLButtonElement} */ (byId('theme')));
byId('back').addEventListener('click', back);
byId('show-flame').addEventListener('click', () => go({ view: 'flame' }));
byId('show-functions').addEventListener('click', () => go({ view: 'functions' }));
byId('who-key').addEventListener('change', (event) => {
  whoKey = /** @type {HTMLSelectElement} */ (event.target).value;
  render();
});
for (const key of /** @type {const} */ (['self', 'total'])) {
  byId(`sort-${key}`).addEventListener('click', () => {
    sortBy = key;
    render();
  });
}
searchBox.addEventListener('input', () => {
  text = searchBox.value.trim();
  render();
});
const help = /** @type {HTMLDialogElement} */ (byId('help'));
byId('show-help').addEventListener('click', () => help.showModal());

/** @param {Event} event @returns {CallNode | undefined} */
function nodeOf(event) {
  return drawn.get(/** @type {HTMLElement} */ (event.target));
}
flame.addEventListener('click', (event) => {
  const node = nodeOf(event);
  if (node !== undefined) zoomTo(node);
});
for (const kind of ['mouseover', 'focusin']) {
  flame.addEventListener(kind, (event) => {
    const node = nodeOf(event);
    if (node !== undefined) detail(node);
  });
}
flame.addEventListener('keydown', (event) => {
  const node = nodeOf(event);
  if (node === undefined) return;
  const next = neighbour(node, event.key);
  if (next !== undefined) focus(next);
  else if (event.key === 'Enter' || event.key === ' ') {
    zoomTo(node);
    focus(node);
  } else return;
  event.preventDefault();
});

/** @param {CallNode} node */
function focus(node) {
  for (const [made, one] of drawn) {
    made.tabIndex = one === node ? 0 : -1;
    if (one === node) made.focus();
  }
}

/** @param {CallNode} node @param {string} key @returns {CallNode | undefined} */
function neighbour(node, key) {
  const visible = [...drawn.values()];
  if (key === 'ArrowUp') return node.parent;
  if (key === 'ArrowDown') return visible.find((one) => one.parent === node);
  const level = visible.filter((one) => ancestors(one).length === ancestors(node).length);
  const place = level.indexOf(node);
  if (key === 'ArrowRight') return level[place + 1];
  if (key === 'ArrowLeft') return level[place - 1];
  return key === 'Home' ? level[0] : key === 'End' ? level.at(-1) : undefined;
}

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (event.key === 'Escape' && document.activeElement === searchBox) {
    searchBox.value = '';
    text = '';
    render();
    searchBox.blur();
    return;
  }
  if (/^(INPUT|SELECT)$/.test(document.activeElement?.tagName ?? '')) return;
  if (event.key === '/') searchBox.focus();
  else if (event.key === 'Escape' || event.key === 'Backspace') back();
  else if (event.key === 't') byId('theme').click();
  else if (event.key === 'f') go({ view: state.view === 'flame' ? 'functions' : 'flame' });
  else if (event.key === 'r') go({ zoom: [], filters: [] });
  else if (event.key === '?') help.showModal();
  else return;
  event.preventDefault();
});
new ResizeObserver(() => {
  if (root !== undefined && state.view === 'flame') renderFlame(zoomed(root));
}).observe(flame.parentElement ?? flame);

if (given.live) {
  recorder((shown, comparedWith) => {
    const isSameType = shown.type === profile?.type;
    profile = shown;
    base = comparedWith;
    if (!isSameType) {
      state = initialState();
      states = [state];
      at = 0;
    }
    render();
  });
}
history.replaceState({ at: 0 }, '');
render();
