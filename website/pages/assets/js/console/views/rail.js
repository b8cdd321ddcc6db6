/** The rail: where one can go, the open sessions, keys and the profile. */

import { h, icon } from '../../common/dom.js';
import { firstName } from '../../common/format.js';
import { LANGUAGES, language, t } from '../../common/i18n.js';
import { prefs, setPrefs } from '../prefs.js';
import { addressOf } from '../route.js';
import { customerFirst, isEnded, pillOf, titleOf } from '../words.js';
import { avatar, customerAvatar } from './parts.js';

/** @typedef {import('../ui.js').Ui} Ui */

/**
 * @param {Ui} ui
 * @param {(language: string) => void} speak
 */
export function railView(ui, speak) {
  const { store, route } = ui;
  const waiting = store.waiting;
  return h(
    'nav',
    { class: 'rail', 'aria-label': t('rail.label'), key: 'rail' },
    h('svg', { class: 'icon rail__logo', role: 'img', 'aria-label': t('brand') }, h('use', { href: '/assets/icons.svg#logo' })),
    h(
      'a',
      { class: 'rail__item', href: addressOf({ view: 'sessions' }), key: 'sessions', 'aria-current': route.view === 'sessions' ? 'page' : undefined },
      icon('people'),
      t('rail.sessions'),
      waiting > 0 && h('span', { class: 'count count--hot' }, h('span', { class: 'unseen' }, `, ${t('rail.waiting')} `), waiting),
    ),
    h(
      'a',
      { class: 'rail__item', href: addressOf({ view: 'history' }), key: 'history', 'aria-current': route.view === 'history' ? 'page' : undefined },
      icon('clock'),
      t('rail.history'),
    ),
    openCases(ui),
    h('span', { class: 'rail__push', key: 'push' }),
    h('button', { class: 'rail__item', type: 'button', key: 'keys', 'aria-keyshortcuts': '?', onclick: () => ui.set({ dialog: { kind: 'keys' } }) }, icon('keyboard'), t('rail.keys')),
    profile(ui, speak),
  );
}

/** The sessions this technician is in or opened here. @param {Ui} ui */
export function casesOf(ui) {
  const me = ui.store.me?.technician.id;
  return [...ui.store.sessions.values()]
    .filter((session) => !isEnded(session))
    .filter((session) => session.people.some((person) => person.technician === me) || session.id === ui.route.id)
    .sort((a, b) => a.created_at.localeCompare(b.created_at));
}

/** @param {Ui} ui */
function openCases(ui) {
  const sessions = casesOf(ui);
  if (sessions.length === 0) return null;
  return [
    h('span', { class: 'rail__line', key: 'line' }),
    sessions.slice(0, 9).map((session) => {
      const name = session.customer_name ? customerFirst(session) : titleOf(session, ui.store.pinOf(session.id));
      const state = pillOf(session);
      const unread = ui.store.cases.get(session.id)?.chat.unread ?? 0;
      return h(
        'a',
        {
          class: 'rail__item rail__case',
          key: session.id,
          href: addressOf({ view: 'session', id: session.id }),
          'data-tone': state.tone,
          title: titleOf(session, ui.store.pinOf(session.id)),
          'aria-current': ui.route.id === session.id ? 'page' : undefined,
        },
        customerAvatar(session),
        h('span', { class: 'clip' }, name),
        h('span', { class: 'unseen' }, `, ${state.word}`),
        unread > 0 && h('span', { class: 'count count--hot' }, unread),
      );
    }),
  ];
}

/**
 * @param {Ui} ui
 * @param {(language: string) => void} speak
 */
function profile(ui, speak) {
  const name = ui.store.me?.technician.name ?? '';
  return h(
    'div',
    {
      class: 'rail__profile',
      key: 'profile',
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== 'Escape' || !ui.menu) return;
        event.stopPropagation();
        ui.set({ menu: false });
        document.getElementById('profile')?.focus();
      },
      onfocusout: (/** @type {FocusEvent} */ event) => {
        const inside = /** @type {Element} */ (event.currentTarget).contains(/** @type {Node | null} */ (event.relatedTarget));
        if (event.relatedTarget && !inside) ui.set({ menu: false });
      },
    },
    h(
      'button',
      { class: 'rail__item', type: 'button', id: 'profile', 'aria-expanded': ui.menu, 'aria-controls': 'profile-card', onclick: () => ui.set({ menu: !ui.menu }) },
      avatar(name, 'own'),
      h('span', { class: 'clip' }, firstName(name)),
    ),
    ui.menu && profileCard(ui, speak),
  );
}

/**
 * @param {Ui} ui
 * @param {(language: string) => void} speak
 */
function profileCard(ui, speak) {
  const { technician, organisation } = /** @type {import('../../common/types.js').Me} */ (ui.store.me);
  const themes = /** @type {const} */ (['system', 'light', 'dark']);
  return h(
    'div',
    { class: 'menu', id: 'profile-card', role: 'group', 'aria-label': t('profile.label') },
    h('p', { class: 'menu__who' }, h('strong', null, technician.name), h('span', null, technician.email), h('span', null, organisation)),
    h(
      'div',
      { class: 'field' },
      h('span', { class: 'field__label', id: 'theme-label' }, t('profile.theme')),
      h(
        'div',
        { class: 'segments', role: 'group', 'aria-labelledby': 'theme-label' },
        themes.map((theme) => h('button', { class: 'segment', type: 'button', key: theme, 'aria-pressed': prefs.theme === theme, onclick: () => (setPrefs({ theme }), ui.changed()) }, t(`theme.${theme}`))),
      ),
    ),
    h(
      'div',
      { class: 'field' },
      h('label', { class: 'field__label', for: 'language' }, t('language')),
      h(
        'select',
        { class: 'input', id: 'language', '.value': language(), onchange: (/** @type {Event} */ event) => speak(/** @type {HTMLSelectElement} */ (event.target).value) },
        Object.entries(LANGUAGES).map(([code, own]) => h('option', { value: code, lang: code, key: code }, own)),
      ),
    ),
    toggle(t('profile.chime'), prefs.chime, (chime) => {
      setPrefs({ chime });
      if (chime && typeof Notification === 'function' && Notification.permission === 'default') void Notification.requestPermission();
      ui.changed();
    }),
    toggle(t('profile.keys'), prefs.keys, (keys) => (setPrefs({ keys }), ui.changed())),
    h('button', { class: 'button button--outline', type: 'button', onclick: () => (ui.set({ menu: false }), ui.store.signOut()) }, icon('logout'), h('span', null, t('profile.out'))),
  );
}

/**
 * @param {string} label
 * @param {boolean} on
 * @param {(on: boolean) => void} turn
 */
const toggle = (label, on, turn) =>
  h('button', { class: 'toggle', type: 'button', role: 'switch', 'aria-checked': on, key: label, onclick: () => turn(!on) }, h('span', { class: 'toggle__track', 'aria-hidden': 'true' }), label);
