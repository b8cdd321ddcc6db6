/** One session: head with the people, stage, tools, side panel. */

import { h, icon } from '../../common/dom.js';
import { firstName } from '../../common/format.js';
import { t } from '../../common/i18n.js';
import { addressOf } from '../route.js';
import { stageOf } from '../stage.js';
import { customerFirst, factsOf, isEnded, pillOf, titleOf } from '../words.js';
import { avatar, banner, customerAvatar, empty, keyed, pill } from './parts.js';
import { sidePanel } from './side.js';
import { stageView } from './stage.js';
import { toolbar } from './tools.js';

/** @typedef {import('../ui.js').Ui} Ui */
/** @typedef {import('../case.js').Case} Case */
/** @typedef {import('../../common/types.js').SessionView} SessionView */
/** @typedef {import('../../common/types.js').Person} Person */

/** People shown in the head before the rest is counted. */
const SHOWN = 3;

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

/**
 * The customer, you, the others; nobody who sees is left out.
 * @param {Ui} ui
 * @param {SessionView} session
 */
function peopleStrip(ui, session) {
  const me = ui.store.me?.technician.id;
  const rank = (/** @type {Person} */ person) => (person.role === 'customer' ? 0 : person.technician === me ? 1 : 2);
  const people = [...session.people].sort((a, b) => rank(a) - rank(b));
  if (people.length === 0) return null;
  const rest = people.slice(SHOWN);
  return h(
    'ul',
    { class: 'strip', 'aria-label': t('people.label') },
    people.slice(0, SHOWN).map((person) => {
      const isMe = person.technician === me;
      const name = person.role === 'customer' ? customerFirst(session) : isMe ? t('people.you') : firstName(person.name ?? '');
      const look = person.role === 'technician' ? 'own' : person.role;
      return h(
        'li',
        { class: 'strip__person', key: person.technician ?? 'customer' },
        person.role === 'customer' ? customerAvatar(session) : avatar(person.name ?? '', look),
        h('span', { class: 'strip__words' }, h('span', { class: 'strip__name' }, name), h('span', { class: 'strip__role' }, t(`role.${person.role}`))),
      );
    }),
    rest.length > 0 &&
      h('li', { class: 'strip__person', key: 'rest' }, h('span', { class: 'avatar avatar--other', title: rest.map((person) => person.name).join(', ') }, h('span', { 'aria-hidden': 'true' }, `+${rest.length}`), h('span', { class: 'unseen' }, rest.map((person) => person.name).join(', ')))),
  );
}
