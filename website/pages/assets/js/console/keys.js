/** One key for every frequent thing. Single letters act only while no field has the focus. */

import { prefs, setPrefs } from './prefs.js';
import { go } from './route.js';
import { stageOf } from './stage.js';
import { isEnded, isStarted } from './words.js';
import { casesOf } from './views/rail.js';
import { showTab } from './views/side.js';
import { turnSound } from './views/tools.js';

/** @typedef {import('./ui.js').Ui} Ui */

/** @param {Ui} ui */
export function listenToKeys(ui) {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !ui.store.me) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target.closest('input, textarea, select, [contenteditable]') !== null;
    if (event.key === 'Escape') return escape(ui, target, typing);
    if (typing || !prefs.keys || document.querySelector('dialog:modal')) return;
    const act = actOf(ui, event);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/**
 * @param {Ui} ui
 * @param {HTMLElement} target
 * @param {boolean} typing
 */
function escape(ui, target, typing) {
  if (typing) target.blur();
  else if (ui.pop || ui.menu || ui.people) ui.set({ pop: false, menu: false, people: false });
  else if (ui.side && innerWidth < 1120) ui.set({ side: false });
}

/**
 * @param {Ui} ui
 * @param {KeyboardEvent} event
 * @returns {(() => void) | undefined}
 */
function actOf(ui, event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const digit = /^Digit([1-9])$/.exec(event.code);
  if (event.shiftKey && digit) {
    const session = casesOf(ui)[Number(digit[1]) - 1];
    return session && (() => go({ view: 'session', id: session.id }));
  }
  const everywhere = /** @type {Record<string, () => void>} */ ({
    n: () => (ui.route.view === 'sessions' || go({ view: 'sessions' }), void ui.newSession()),
    '/': () => (ui.route.view === 'session' && go({ view: 'sessions' }), focus('search')),
    '?': () => ui.set({ dialog: { kind: 'keys' } }),
  })[key];
  if (everywhere) return everywhere;
  return ui.route.view === 'session' ? inSession(ui, event, key) : inList(key);
}

/** @param {string} key */
function inList(key) {
  if (key !== 'j' && key !== 'k') return undefined;
  return () => {
    const rows = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('.row__act .button')]);
    const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + (key === 'j' ? 1 : -1)));
    rows[to]?.focus();
  };
}

/**
 * @param {Ui} ui
 * @param {KeyboardEvent} event
 * @param {string} key
 * @returns {(() => void) | undefined}
 */
function inSession(ui, event, key) {
  const it = ui.store.caseOf(ui.route.id);
  const session = it.session;
  if (!session) return undefined;
  const tabs = /** @type {Record<string, string>} */ ({ 1: 'chat', 2: 'log', 3: 'details' });
  if (tabs[key]) return () => showTab(ui, tabs[key]);
  if (key === '[') return () => (ui.set({ side: !ui.side }), setPrefs({ panel: ui.side }));
  if (key === 'c') return () => (showTab(ui, 'chat'), focus('message'));
  if (key === 'x' && event.shiftKey && !isEnded(session) && it.role !== 'watching') return () => ui.set({ dialog: { kind: 'close', id: it.id } });
  if (key === 'Enter' && stageOf(it, ui.now) === 'before' && document.activeElement === document.body) return () => void it.start();
  if (!isStarted(session) || !it.takesPart || event.shiftKey) return undefined;
  const leads = it.role === 'technician';
  if (key === 's' && it.hasVoice) return () => turnSound(it);
  if (key === 'h' && leads) return () => void it.toggleHold();
  if (key === 'm' && leads && it.hasVoice) return () => void it.turnMicrophone(it.microphone === null);
  return undefined;
}

/** Focuses after the page has been drawn anew. @param {string} id */
function focus(id) {
  setTimeout(() => document.getElementById(id)?.focus());
}
