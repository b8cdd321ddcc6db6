/** One session: head with the people, stage, tools, side panel. */

import { h, icon } from '../../common/dom.js';
import { firstName } from '../../common/format.js';
import { t } from '../../common/i18n.js';
import { addressOf } from '../route.js';
import { stageOf } from '../stage.js';
import { factsOf, isEnded, pillOf, titleOf } from '../words.js';
import { banner, empty, keyed, pill } from './parts.js';
import { peopleStrip } from './people.js';
import { sidePanel } from './side.js';
import { stageView } from './stage.js';
import { toolbar } from './tools.js';

/** @typedef {import('../ui.js').Ui} Ui */
/** @typedef {import('../case.js').Case} Case */
/** @typedef {import('../../common/types.js').SessionView} SessionView */

/** @param {Ui} ui */
export function liveView(ui) {
  const it = ui.store.caseOf(ui.route.id);
  const session = it.session;
  if (!session) return missing(ui);
  const stage = stageOf(it, ui.now);
  return h(
    'main',
    { class: 'case', id: 'main', key: `case-${it.id}`, 'data-state': stage, 'data-session': it.id },
    head(ui, session),
    h(
      'div',
      { class: 'case__body', 'data-side': ui.side },
      h(
        'section',
        { class: 'case__left on-stage', 'aria-label': t('stage.label'), key: 'left' },
        it.role === 'watching' && !isEnded(session) && watchingBanner(session),
        stageView(ui, it, stage),
        toolbar(ui, it, stage),
      ),
      ui.side && sidePanel(ui, it),
    ),
  );
}

/** @param {Ui} ui */
function missing(ui) {
  const loading = !ui.store.loaded;
  return h(
    'main',
    { class: 'page', id: 'main', key: 'missing', 'data-state': loading ? 'loading' : 'missing' },
    h('header', { class: 'page__head' }, h('h1', { class: 'page__title', 'data-heading': true, tabindex: -1 }, t('case.title'))),
    !loading && empty('search', t('case.missing'), h('a', { class: 'button button--outline', href: addressOf({ view: 'sessions' }) }, t('case.back'))),
  );
}

/** @param {SessionView} session */
function watchingBanner(session) {
  return h('div', { class: 'case__note', key: 'watching' }, banner('info', 'eye', t('watch.banner', { name: firstName(session.lead?.name ?? '') })));
}

/**
 * @param {Ui} ui
 * @param {SessionView} session
 */
function head(ui, session) {
  const pin = ui.store.pinOf(session.id);
  return h(
    'header',
    { class: 'case__head', key: 'head' },
    h('a', { class: 'button button--icon button--bare', href: addressOf({ view: 'sessions' }), 'aria-label': t('case.back') }, icon('chevron-left', 'icon icon--turns')),
    h(
      'div',
      { class: 'case__names' },
      h('h1', { class: 'case__title clip', 'data-heading': true, tabindex: -1 }, titleOf(session, pin)),
      h('p', { class: 'case__facts clip' }, factsOf(session, pin) || t('case.created', { name: session.created_by.name })),
    ),
    h('span', { 'data-testid': 'state' }, pill(pillOf(session, ui.now))),
    h('span', { class: 'grow' }),
    peopleStrip(ui, session),
    h(
      'button',
      { class: 'button button--icon button--bare', type: 'button', 'aria-label': t('case.panel'), 'aria-pressed': ui.side, ...keyed(t('case.panel'), '['), onclick: () => ui.set({ side: !ui.side }) },
      icon('panel', 'icon icon--turns'),
    ),
  );
}
