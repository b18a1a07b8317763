/** Who has cost how much, live: asks every two seconds and draws what came. */
import { byId, element } from './element.js';
import { percent, quantity } from './quantity.js';
import { themeSwitch } from './theme.js';

/**
 * @typedef {{ cpuMicros: number, allocatedBytes: number, gcMicros: number, tokens: number }} Figures
 * @typedef {Figures & { name: string, invocations: number }} Account
 * @typedef {Figures & { id: string, agent: string, tool?: string, session?: string, wallMicros: number }} Open
 * @typedef {object} Usage
 * @property {number} sinceMillis
 * @property {'exact' | 'sampled'} method
 * @property {Account[]} agents
 * @property {Account[]} tools
 * @property {Account[]} sessions
 * @property {Open[]} open
 * @property {Figures} total
 * @property {Figures} unattributed
 */

const POLL_MILLIS = 2_000;
/** Two minutes in a sparkline. */
const MAX_POINTS = 60;
const MAX_ROWS = 100;

/** @type {Map<string, number[]>} rates by what they are of, newest last */
const rates = new Map();
/** @type {{ usage: Usage, atMillis: number } | undefined} */
let last;
let isPaused = false;

/** @param {number} micros */
const time = (micros) => quantity(micros * 1e3, 'nanoseconds');
/** @param {number} bytes */
const size = (bytes) => quantity(bytes, 'bytes');

async function poll() {
  if (!isPaused && !document.hidden) {
    try {
      const response = await fetch('?format=json', { headers: { Accept: 'application/json' } });
      if (!response.ok) throw new Error((await response.text()).trim());
      take(await response.json());
      state('live', false);
    } catch (error) {
      state(`not up to date: ${error instanceof Error ? error.message : error}`, true);
    }
  }
  setTimeout(poll, POLL_MILLIS);
}

/** @param {string} said @param {boolean} isStale */
function state(said, isStale) {
  byId('state').textContent = said;
  byId('state').classList.toggle('stale', isStale);
}

/** @param {Usage} usage */
function take(usage) {
  const now = performance.now();
  const seconds = last === undefined ? 0 : (now - last.atMillis) / 1000;
  /** @param {string} key @param {number} value @param {number | undefined} before */
  const note = (key, value, before) => {
    if (seconds <= 0) return;
    const points = rates.get(key) ?? [];
    points.push(Math.max(0, value - (before ?? 0)) / seconds);
    if (points.length > MAX_POINTS) points.shift();
    rates.set(key, points);
  };
  const before = last?.usage;
  note('cpu', usage.total.cpuMicros, before?.total.cpuMicros);
  note('bytes', usage.total.allocatedBytes, before?.total.allocatedBytes);
  for (const kind of /** @type {const} */ (['agents', 'tools', 'sessions'])) {
    const earlier = new Map(before?.[kind].map((one) => [one.name, one.cpuMicros]));
    for (const { name, cpuMicros } of usage[kind]) {
      note(`${kind} ${name}`, cpuMicros, earlier.get(name) ?? 0);
    }
    table(kind, usage[kind], usage.total.cpuMicros);
  }
  forget(usage);
  tiles(usage);
  openInvocations(usage.open);
  last = { usage, atMillis: now };
}

/** Sessions come and go; what is no longer told of needs no history. @param {Usage} usage */
function forget(usage) {
  for (const key of rates.keys()) {
    const [kind = '', ...rest] = key.split(' ');
    if (kind !== 'agents' && kind !== 'tools' && kind !== 'sessions') continue;
    if (!usage[kind].some(({ name }) => name === rest.join(' '))) rates.delete(key);
  }
}

/** @param {Usage} usage */
function tiles({ total, unattributed, open, method, sinceMillis }) {
  const cpu = rates.get('cpu') ?? [];
  const bytes = rates.get('bytes') ?? [];
  byId('cpu-rate').textContent = cpu.length === 0 ? '–' : percent(cpu.at(-1) ?? 0, 1e6);
  byId('cpu-spark').replaceChildren(sparkline(cpu, 'CPU time a second'));
  byId('bytes-rate').textContent = bytes.length === 0 ? '–' : `${size(bytes.at(-1) ?? 0)}/s`;
  byId('bytes-spark').replaceChildren(sparkline(bytes, 'bytes allocated a second'));
  byId('attributed').textContent = percent(
    total.cpuMicros - unattributed.cpuMicros,
    total.cpuMicros,
  );
  byId('open-count').textContent = String(open.length);
  const since = new Date(sinceMillis).toLocaleTimeString();
  byId('about').textContent =
    `since ${since} · ${time(total.cpuMicros)} of CPU time, ${method} · ${size(total.allocatedBytes)} allocated`;
}

/** @param {'agents' | 'tools' | 'sessions'} kind @param {Account[]} accounts @param {number} whole */
function table(kind, accounts, whole) {
  const rows = accounts.slice(0, MAX_ROWS).map((account) => {
    const bar = element('i');
    bar.style.width = percent(account.cpuMicros, whole).replace(' ', '');
    return element(
      'tr',
      {},
      element('th', { scope: 'row' }, account.name, element('span', { class: 'meter' }, bar)),
      number(account.invocations.toLocaleString('en')),
      number(time(account.cpuMicros)),
      number(percent(account.cpuMicros, whole)),
      element('td', {}, sparkline(rates.get(`${kind} ${account.name}`) ?? [], 'CPU time a second')),
      number(size(account.allocatedBytes)),
      number(time(account.gcMicros)),
      number(account.tokens.toLocaleString('en')),
    );
  });
  byId(`${kind}-panel`).hidden = rows.length === 0;
  byId(`${kind}-rows`).replaceChildren(...rows);
}

/** @param {Open[]} open */
function openInvocations(open) {
  const rows = open
    .slice(0, MAX_ROWS)
    .map((one) =>
      element(
        'tr',
        {},
        element('th', { scope: 'row' }, one.agent),
        element('td', {}, one.tool ?? '–'),
        element('td', {}, one.session ?? '–'),
        number(time(one.wallMicros)),
        number(time(one.cpuMicros)),
        number(size(one.allocatedBytes)),
      ),
    );
  byId('open-none').hidden = rows.length > 0;
  byId('open-table').hidden = rows.length === 0;
  byId('open-rows').replaceChildren(...rows);
}

/** @param {string} said */
const number = (said) => element('td', { class: 'number' }, said);

const SVG = 'http://www.w3.org/2000/svg';

/** @param {number[]} points @param {string} what */
function sparkline(points, what) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 60 20');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('class', 'spark');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', `${what}, the last two minutes`);
  if (points.length < 2) return svg;
  const highest = Math.max(...points, 1e-9);
  const offset = MAX_POINTS - points.length;
  const places = points.map(
    (value, i) => `${offset + i},${(19 - (value / highest) * 18).toFixed(2)}`,
  );
  const area = document.createElementNS(SVG, 'polygon');
  area.setAttribute('points', [`${offset},20`, ...places, `${MAX_POINTS - 1},20`].join(' '));
  const line = document.createElementNS(SVG, 'polyline');
  line.setAttribute('points', places.join(' '));
  svg.append(area, line);
  return svg;
}

themeSwitch(/** @type {HTMLButtonElement} */ (byId('theme')));
byId('pause').addEventListener('click', () => {
  isPaused = !isPaused;
  byId('pause').textContent = isPaused ? 'Go on' : 'Pause';
  if (isPaused) state('paused', true);
});
void poll();
