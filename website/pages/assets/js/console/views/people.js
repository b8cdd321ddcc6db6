/** Who is in a session: the customer, you, the others. Nobody who sees the picture is left out. */

import { h, icon } from '../../common/dom.js';
import { firstName } from '../../common/format.js';
import { t } from '../../common/i18n.js';
import { customerFirst } from '../words.js';
import { avatar, customerAvatar } from './parts.js';

/** @typedef {import('../ui.js').Ui} Ui */
/** @typedef {import('../../common/types.js').SessionView} SessionView */
/** @typedef {import('../../common/types.js').Person} Person */

/** People shown in the head before the rest is counted. */
const SHOWN = 3;

const roomy = matchMedia('(min-width: 70em)');

/**
 * Names where there is room for them; otherwise a button that opens the list.
 * @param {Ui} ui
 * @param {SessionView} session
 */
export function peopleStrip(ui, session) {
  const people = inOrder(ui, session);
  if (people.length === 0) return null;
  const rest = people.length - SHOWN;
  return h(
    'div',
    {
      class: 'folk',
      key: 'folk',
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== 'Escape' || !ui.people) return;
        event.stopPropagation();
        ui.set({ people: false });
        document.getElementById('people')?.focus();
      },
    },
    roomy.matches && h('ul', { class: 'strip', 'aria-label': t('people.label'), key: 'strip' }, people.slice(0, SHOWN).map((person) => h('li', { key: keyOf(person) }, named(ui, session, person)))),
    (!roomy.matches || rest > 0) &&
      h(
        'button',
        { class: 'strip strip--more', type: 'button', id: 'people', key: 'more', 'aria-expanded': ui.people, 'aria-controls': 'people-card', onclick: () => ui.set({ people: !ui.people }) },
        !roomy.matches && people.slice(0, SHOWN).map((person) => face(session, person)),
        rest > 0 && h('span', { class: 'avatar avatar--other', 'aria-hidden': 'true', key: 'rest' }, `+${rest}`),
        h('span', { class: 'unseen', key: 'words' }, `${t('people.label')}: ${t('people.all', { n: people.length })}`),
      ),
    ui.people && card(ui, session, people),
  );
}

/**
 * @param {Ui} ui
 * @param {SessionView} session
 */
function inOrder(ui, session) {
  const me = ui.store.me?.technician.id;
  const rank = (/** @type {Person} */ person) => (person.role === 'customer' ? 0 : person.technician === me ? 1 : 2);
  return [...session.people].sort((a, b) => rank(a) - rank(b));
}

/** @param {Person} person */
const keyOf = (person) => person.technician ?? 'customer';

/**
 * @param {SessionView} session
 * @param {Person} person
 */
const face = (session, person) => (person.role === 'customer' ? customerAvatar(session) : avatar(person.name ?? '', person.role === 'technician' ? 'own' : person.role));

/**
 * @param {Ui} ui
 * @param {SessionView} session
 * @param {Person} person
 * @param {boolean} [whole] with the whole name
 */
function named(ui, session, person, whole = false) {
  const isMe = person.technician === ui.store.me?.technician.id;
  const name = person.role === 'customer' ? (whole && session.customer_name) || customerFirst(session) : isMe ? t('people.you') : whole ? (person.name ?? '') : firstName(person.name ?? '');
  return h(
    'span',
    { class: 'strip__person' },
    face(session, person),
    h('span', { class: 'strip__words' }, h('span', { class: 'strip__name' }, name), h('span', { class: 'strip__role' }, t(`role.${person.role}`))),
  );
}

/**
 * @param {Ui} ui
 * @param {SessionView} session
 * @param {Person[]} people
 */
function card(ui, session, people) {
  return h(
    'section',
    { class: 'card folk__card', id: 'people-card', key: 'card', 'aria-labelledby': 'people-title' },
    h('div', { class: 'card__head' }, h('h2', { class: 'card__title', id: 'people-title' }, t('people.title')), h('button', { class: 'button button--icon button--bare', type: 'button', 'aria-label': t('close'), onclick: () => ui.set({ people: false }) }, icon('x'))),
    h('ul', { class: 'folk__list' }, people.map((person) => h('li', { key: keyOf(person) }, named(ui, session, person, true)))),
  );
}
