/** What a technician chose for this browser. */

/** @typedef {{ theme: 'system' | 'light' | 'dark', keys: boolean, chime: boolean, panel: boolean }} Prefs */

const KEPT = 'lens.console';

/** @type {Prefs} */
const DEFAULTS = { theme: 'system', keys: true, chime: true, panel: true };

/** @type {Prefs} */
export const prefs = { ...DEFAULTS };

export function readPrefs() {
  try {
    Object.assign(prefs, JSON.parse(localStorage.getItem(KEPT) ?? '{}'));
  } catch {
    Object.assign(prefs, DEFAULTS);
  }
  showTheme();
}

/** @param {Partial<Prefs>} change */
export function setPrefs(change) {
  Object.assign(prefs, change);
  localStorage.setItem(KEPT, JSON.stringify(prefs));
  showTheme();
}

function showTheme() {
  const root = document.documentElement;
  if (prefs.theme === 'system') root.removeAttribute('data-theme');
  else root.dataset.theme = prefs.theme;
}
