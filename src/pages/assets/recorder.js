/** Takes profiles of the running program and lets the reader choose what to look at and compare. */
import { byId, element } from './element.js';

/** @typedef {import('./call-tree.js').PageProfile} PageProfile */

/** Each is some hundred KB in the browser. */
const MAX_KEPT = 12;

/** @param {(shown: PageProfile, base: PageProfile | null) => void} show */
export function recorder(show) {
  /** @type {PageProfile[]} */
  const kept = [];
  /** @type {PageProfile | undefined} */
  let shown;
  /** @type {PageProfile | null} */
  let base = null;
  const button = /** @type {HTMLButtonElement} */ (byId('record'));
  const type = /** @type {HTMLSelectElement} */ (byId('record-type'));
  const seconds = /** @type {HTMLSelectElement} */ (byId('record-seconds'));
  const progress = /** @type {HTMLProgressElement} */ (byId('record-progress'));
  /** @type {AbortController | undefined} */
  let running;

  byId('recorder').hidden = false;
  const asked = new URLSearchParams(location.search);
  if (asked.has('type')) type.value = asked.get('type') ?? type.value;
  const usual = type.value === 'heap' ? '0' : seconds.value;
  seconds.value = asked.get('seconds') ?? usual;
  button.addEventListener('click', () => {
    if (running !== undefined) running.abort();
    else void record();
  });

  async function record() {
    running = new AbortController();
    button.textContent = 'Stop';
    say('');
    const isLook = type.value === 'heap' && seconds.value === '0';
    const duration = isLook ? 0 : Number(seconds.value) || 5;
    const begin = performance.now();
    progress.hidden = duration === 0;
    const timer = setInterval(() => {
      progress.value = Math.min(1, (performance.now() - begin) / 1000 / duration);
    }, 100);
    try {
      const query = new URLSearchParams({ format: 'data' });
      if (duration > 0) query.set('seconds', String(duration));
      const response = await fetch(`${type.value}?${query}`, { signal: running.signal });
      if (response.ok) keep(await response.json());
      else say((await response.text()).trim());
    } catch (error) {
      if (!running.signal.aborted) say(`The program does not answer: ${error}`);
    }
    clearInterval(timer);
    progress.hidden = true;
    progress.value = 0;
    button.textContent = 'Record';
    running = undefined;
  }

  /** @param {string} message */
  function say(message) {
    byId('record-message').textContent = message;
  }

  /** @param {PageProfile} profile */
  function keep(profile) {
    kept.push(profile);
    if (kept.length > MAX_KEPT) kept.shift();
    choose(profile, base?.type === profile.type ? base : null);
  }

  /** @param {PageProfile} profile @param {PageProfile | null} comparedWith */
  function choose(profile, comparedWith) {
    shown = profile;
    base = comparedWith === profile ? null : comparedWith;
    list();
    show(profile, base);
  }

  function list() {
    const rows = kept.map((profile, i) => {
      const name = `${i + 1}. ${profile.title}`;
      const time = new Date(profile.timeMillis).toLocaleTimeString();
      const open = action(profile === shown ? 'Shown' : 'Show', profile === shown, () => {
        choose(profile, base?.type === profile.type ? base : null);
      });
      const isBase = profile === base;
      const compare = action('Compare with', isBase, () => {
        if (shown !== undefined) choose(shown, isBase ? null : profile);
      });
      compare.disabled = profile === shown || profile.type !== shown?.type;
      open.setAttribute('aria-label', `Show ${name}`);
      compare.setAttribute('aria-label', `Compare with ${name}`);
      return element(
        'tr',
        {},
        element('th', { scope: 'row' }, name),
        element('td', { class: 'place' }, time),
        element('td', { class: 'number' }, open, ' ', compare),
      );
    });
    byId('recordings').hidden = kept.length < 2;
    byId('recording-rows').replaceChildren(...rows);
  }

  /** @param {string} name @param {boolean} isPressed @param {() => void} act */
  function action(name, isPressed, act) {
    const made = /** @type {HTMLButtonElement} */ (
      element('button', { type: 'button', 'aria-pressed': String(isPressed) }, name)
    );
    made.addEventListener('click', act);
    return made;
  }

  if (asked.has('type')) void record();
}
