/** Sessions that are over, with their reason and length. */

import { h } from '../../common/dom.js';
import { clock, shortDay, timeOfDay } from '../../common/format.js';
import { t } from '../../common/i18n.js';
import { factsOf, pillOf, titleOf } from '../words.js';
import { open, searchField } from './list.js';
import { blankRows, empty, failed, pill } from './parts.js';

/** @typedef {import('../ui.js').Ui} Ui */
/** @typedef {import('../../common/types.js').SessionView} SessionView */

/** @param {Ui} ui */
export function historyView(ui) {
  const { store } = ui;
  return h(
    'main',
    { class: 'page', id: 'main', key: 'history', 'data-state': store.past ? 'history' : 'loading' },
    h('header', { class: 'page__head' }, h('h1', { class: 'page__title', 'data-heading': true, tabindex: -1 }, t('history.title'))),
    h(
      'div',
      { class: 'board', 'data-panel': 'false' },
      h(
        'section',
        { class: 'card board__list', 'aria-label': t('history.title') },
        h('div', { class: 'bar' }, searchField(ui, t('history.search'))),
        h('div', { class: 'board__scroll' }, body(ui)),
      ),
    ),
  );
}

/** @param {Ui} ui */
function body(ui) {
  const { past, pastFailed } = ui.store;
  if (pastFailed && !past) return failed(t('list.failed'), () => void ui.store.loadPast(ui.q));
  if (!past) return table(blankRows(4));
  if (past.length === 0) return empty('clock', t(ui.q ? 'list.nothing' : 'history.empty'));
  return table(h('tbody', null, past.map((session) => row(ui, session))));
}

/** @param {import('../../common/dom.js').VNode} rows */
function table(rows) {
  return h(
    'table',
    { class: 'table' },
    h('caption', { class: 'unseen' }, t('history.caption')),
    h('thead', null, h('tr', null, ['state', 'customer', 'ended', 'length', 'lead'].map((column) => h('th', { scope: 'col', class: `col-${column}`, key: column }, t(`column.${column}`))), h('th', { scope: 'col' }, h('span', { class: 'unseen' }, t('column.action'))))),
    rows,
  );
}

/**
 * @param {Ui} ui
 * @param {SessionView} session
 */
function row(ui, session) {
  const name = titleOf(session);
  const ended = session.ended_at ?? session.state_since;
  const length = session.started_at ? clock(Date.parse(ended) - Date.parse(session.started_at)) : '–';
  return h(
    'tr',
    {
      class: 'row',
      key: session.id,
      'data-session': session.id,
      onclick: (/** @type {MouseEvent} */ event) => {
        if (!(/** @type {Element} */ (event.target).closest('button'))) open(ui, session.id);
      },
    },
    h('td', null, pill(pillOf(session))),
    h('td', null, h('span', { class: 'row__name' }, name), h('span', { class: 'row__facts' }, factsOf(session))),
    h('td', { class: 'num col-ended' }, `${shortDay(ended)}, ${timeOfDay(ended)}`),
    h('td', { class: 'num col-length' }, length),
    h('td', { class: 'col-lead' }, session.lead?.name ?? session.created_by.name),
    h('td', { class: 'row__act' }, h('button', { class: 'button button--small button--outline', type: 'button', onclick: () => open(ui, session.id) }, h('span', null, t('act.open'), h('span', { class: 'unseen' }, ` ${t('row.with', { name })}`)))),
  );
}
