/** The side panel: chat, log, details. Beside the stage when there is room, over it otherwise. */

import { h, icon } from '../../common/dom.js';
import { t } from '../../common/i18n.js';
import { go } from '../route.js';
import { chatTab } from './chat.js';
import { detailsTab } from './details.js';
import { logTab } from './log.js';
import { keyed } from './parts.js';

/** @typedef {import('../ui.js').Ui} Ui */
/** @typedef {import('../case.js').Case} Case */

const TABS = /** @type {const} */ ([
  ['chat', 'chat', '1'],
  ['log', 'log', '2'],
  ['details', 'info', '3'],
]);

/** @param {string} tab */
export const knownTab = (tab) => (TABS.some(([name]) => name === tab) ? tab : 'chat');

/**
 * @param {Ui} ui
 * @param {string} tab
 */
export function showTab(ui, tab) {
  ui.side = true;
  go({ ...ui.route, tab }, { replace: true });
}

/**
 * @param {Ui} ui
 * @param {Case} it
 */
export function sidePanel(ui, it) {
  const tab = knownTab(ui.route.tab);
  const unread = tab === 'chat' ? 0 : it.chat.unread;
  return h(
    'aside',
    { class: 'side', 'aria-label': t('side.label'), key: 'side' },
    h(
      'div',
      { class: 'tabs' },
      h(
        'div',
        { class: 'tabs__list', role: 'tablist', 'aria-label': t('side.tabs'), onkeydown: (/** @type {KeyboardEvent} */ event) => arrows(ui, event, tab) },
        TABS.map(([name, mark, key]) =>
          h(
            'button',
            { class: 'tab', role: 'tab', type: 'button', key: name, id: `tab-${name}`, 'aria-controls': 'side-panel', 'aria-selected': name === tab, tabindex: name === tab ? 0 : -1, ...keyed(t(`tab.${name}`), key), onclick: () => showTab(ui, name) },
            icon(mark),
            t(`tab.${name}`),
            name === 'chat' && unread > 0 && h('span', { class: 'count count--hot' }, unread),
          ),
        ),
      ),
      h('button', { class: 'button button--icon button--bare side__close', type: 'button', 'aria-label': t('side.close'), onclick: () => ui.set({ side: false }) }, icon('x')),
    ),
    h('div', { class: 'side__panel', role: 'tabpanel', id: 'side-panel', 'aria-labelledby': `tab-${tab}`, key: tab }, tab === 'chat' ? chatTab(it) : tab === 'log' ? logTab(it) : detailsTab(ui, it)),
  );
}

/**
 * @param {Ui} ui
 * @param {KeyboardEvent} event
 * @param {string} tab
 */
function arrows(ui, event, tab) {
  const at = TABS.findIndex(([name]) => name === tab);
  const rtl = document.documentElement.dir === 'rtl';
  const step = /** @type {Record<string, number>} */ ({ ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1 })[event.key];
  const to = event.key === 'Home' ? 0 : event.key === 'End' ? TABS.length - 1 : step ? (at + step + TABS.length) % TABS.length : -1;
  if (to < 0) return;
  event.preventDefault();
  showTab(ui, TABS[to][0]);
  document.getElementById(`tab-${TABS[to][0]}`)?.focus();
}
