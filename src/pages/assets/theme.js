/** Dark or light: what the system says, until the reader says otherwise. */

const KEY = 'spanprof-theme';

/** @param {HTMLButtonElement} button */
export function themeSwitch(button) {
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset['theme'] ?? (system.matches ? 'dark' : 'light')) === 'dark';
  const show = () => {
    button.textContent = isDark() ? '☀' : '☾';
    button.setAttribute('aria-label', isDark() ? 'Light colours' : 'Dark colours');
  };
  root.dataset['theme'] = stored() ?? root.dataset['theme'] ?? (isDark() ? 'dark' : 'light');
  button.addEventListener('click', () => {
    root.dataset['theme'] = isDark() ? 'light' : 'dark';
    try {
      localStorage.setItem(KEY, root.dataset['theme']);
    } catch {
      // A page without storage forgets it, that is all.
    }
    show();
  });
  show();
}

function stored() {
  try {
    return localStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}
