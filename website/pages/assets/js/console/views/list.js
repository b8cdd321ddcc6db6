/** Open sessions in three groups: needs you, mine, my team. */

import { h, icon } from '../../common/dom.js';
import { clock, firstName } from '../../common/format.js';
import { t } from '../../common/i18n.js';
import { OPEN_STATES, go } from '../route.js';
import { isStarted, pillOf, titleOf, factsOf } from '../words.js';
import { invitePanel } from './invite.js';
import { avatar, banner, bars, blankRows, empty, failed, keyed, pill } from './parts.js';

/** @typedef {import('../ui.js').Ui} Ui */
/** @typedef {import('../../common/types.js').SessionView} SessionView */
/** @typedef {'needs' | 'mine' | 'team'} Group */

/** Rows keep their places this long after pointer and focus have left the table, in milliseconds. */
const STILL_MS = 2_000;

/** @type {{ held: boolean, until: number, order: Record<Group, string[]> }} */
const places = { held: false, until: 0, order: { needs: [], mine: [], team: [] } };

/** @param {Ui} ui */
export function listView(ui) {
  return h(
    'main',
    { class: 'page', id: 'main', key: 'list', 'data-state': stateOf(ui) },
    h(
      'header',
      { class: 'page__head' },
      h('h1', { class: 'page__title', 'data-heading': true, tabindex: -1 }, t('list.title')),
      h('span', { class: 'grow' }),
      h(
        'button',
        { class: 'button button--primary', type: 'button', ...keyed(t('list.new'), 'N'), onclick: () => void ui.newSession() },
        icon('plus'),
        h('span', null, t('list.new')),
        h('kbd', { class: 'kbd', 'aria-hidden': 'true' }, 'N'),
      ),
    ),
    h('div', { class: 'board', 'data-panel': ui.panel !== null }, listCard(ui), ui.panel && invitePanel(ui)),
  );
}

/** @param {Ui} ui */
function stateOf(ui) {
  if (ui.store.failed && !ui.store.loaded) return 'failed';
  if (!ui.store.loaded) return 'loading';
  return ui.store.sessions.size === 0 ? 'empty' : 'list';
}

/** @param {Ui} ui */
function listCard(ui) {
  const { store } = ui;
  const lost = store.line === 'lost' || (store.failed && store.loaded);
  return h(
    'section',
    { class: 'card board__list', 'aria-label': t('list.label'), key: 'card' },
    filterBar(ui),
    lost && h('div', { class: 'board__note', key: 'lost' }, banner('warn', 'wifi-off', t('list.stale'))),
    h('div', { class: 'board__scroll', key: 'scroll' }, listBody(ui)),
  );
}

/** @param {Ui} ui */
function listBody(ui) {
  const { store } = ui;
  if (store.failed && !store.loaded) return failed(t('list.failed'), () => void store.loadSessions());
  if (!store.loaded) return table(ui, blankRows(4));
  const groups = groupsOf(ui);
  const shown = [...groups.needs, ...groups.mine, ...groups.team];
  if (shown.length === 0) {
    const searched = ui.q !== '' || ui.route.filter !== 'all' || ui.route.state !== '';
    return empty(searched ? 'search' : 'people', t(searched ? 'list.nothing' : 'list.empty'), !searched && h('button', { class: 'button button--outline', type: 'button', onclick: () => void ui.newSession() }, icon('plus'), h('span', null, t('list.new'))));
  }
  return table(
    ui,
    /** @type {Group[]} */ (['needs', 'mine', 'team']).map(
      (group) =>
        groups[group].length > 0 && [
          h('tbody', { key: group }, h('tr', { class: 'group' }, h('th', { colspan: 6, scope: 'rowgroup' }, t(`group.${group}`, { n: groups[group].length }))), groups[group].map((session) => row(ui, session))),
        ],
    ),
  );
}

/** @param {Ui} ui */
function filterBar(ui) {
  const me = ui.store.me?.technician.id;
  const all = [...ui.store.sessions.values()].filter(isOpen);
  const counts = { all: all.length, mine: all.filter((s) => isMine(s, me)).length, queue: all.filter((s) => s.state === 'waiting').length };
  return h(
    'div',
    { class: 'bar', key: 'bar' },
    h(
      'div',
      { class: 'segments', role: 'group', 'aria-label': t('filter.label') },
      /** @type {const} */ (['all', 'mine', 'queue']).map((filter) =>
        h('button', { class: 'segment', type: 'button', key: filter, 'aria-pressed': ui.route.filter === filter, onclick: () => go({ ...ui.route, q: ui.q, filter }, { replace: true }) }, t(`filter.${filter}`), h('span', { class: 'count' }, counts[filter])),
      ),
    ),
    h('span', { class: 'grow' }),
    searchField(ui, t('list.search')),
    stateChoice(ui),
  );
}

/** @param {Ui} ui */
function stateChoice(ui) {
  const states = ['', ...OPEN_STATES];
  return h(
    'div',
    { class: 'pick' },
    h('label', { class: 'pick__label', for: 'state' }, t('column.state')),
    h(
      'select',
      { class: 'pick__field', id: 'state', '.value': ui.route.state, onchange: (/** @type {Event} */ event) => go({ ...ui.route, q: ui.q, state: /** @type {HTMLSelectElement} */ (event.target).value }, { replace: true }) },
      states.map((state) => h('option', { value: state, key: state || 'any' }, t(state ? `state.${state}` : 'filter.any'))),
    ),
    icon('chevron-down', 'icon icon--sm'),
  );
}

/**
 * @param {Ui} ui
 * @param {string} label
 */
export function searchField(ui, label) {
  return h(
    'div',
    { class: 'search' },
    icon('search'),
    h('input', {
      class: 'input',
      id: 'search',
      type: 'search',
      'aria-label': label,
      placeholder: t('list.search.hint'),
      '.value': ui.q,
      'aria-keyshortcuts': '/',
      oninput: (/** @type {Event} */ event) => {
        ui.q = /** @type {HTMLInputElement} */ (event.target).value;
        go({ ...ui.route, q: ui.q }, { replace: true });
      },
    }),
  );
}

/**
 * @param {Ui} ui
 * @param {any} bodies
 */
function table(ui, bodies) {
  const hold = () => (places.held = true);
  const release = () => {
    places.held = false;
    places.until = Date.now() + STILL_MS;
    setTimeout(() => ui.changed(), STILL_MS + 20);
  };
  return h(
    'table',
    { class: 'table', onpointerenter: hold, onpointerleave: release, onfocusin: hold, onfocusout: release },
    h('caption', { class: 'unseen' }, t('list.caption')),
    h(
      'thead',
      null,
      h('tr', null, ['state', 'customer', 'since', 'with', 'quality'].map((column) => h('th', { scope: 'col', class: `col-${column}`, key: column }, t(`column.${column}`))), h('th', { scope: 'col' }, h('span', { class: 'unseen' }, t('column.action')))),
    ),
    bodies,
  );
}

/**
 * @param {Ui} ui
 * @param {SessionView} session
 */
function row(ui, session) {
  const pin = ui.store.pinOf(session.id);
  const name = titleOf(session, pin);
  const it = ui.store.cases.get(session.id);
  const act = actionOf(ui, session);
  return h(
    'tr',
    {
      key: session.id,
      class: session.state === 'waiting' ? 'row row--hot' : 'row',
      'data-session': session.id,
      'data-state': session.state,
      onclick: (/** @type {MouseEvent} */ event) => {
        if (!(/** @type {Element} */ (event.target).closest('button'))) open(ui, session.id);
      },
    },
    h('td', null, pill(pillOf(session))),
    h('td', null, h('span', { class: 'row__name' }, name), h('span', { class: 'row__facts' }, it?.overtaken && session.lead ? t('told.taken', { name: firstName(session.lead.name) }) : factsOf(session, pin))),
    h('td', { class: 'num col-since' }, clock(ui.now - Date.parse(session.state_since))),
    h('td', { class: 'col-with' }, withWhom(session)),
    h('td', { class: 'col-quality' }, it?.takesPart ? bars(it.quality) : h('span', { class: 'quiet-text' }, '–')),
    h(
      'td',
      { class: 'row__act' },
      h('button', { class: `button button--small button--${act.primary ? 'primary' : 'outline'}`, type: 'button', 'aria-busy': it?.entering ? 'true' : undefined, onclick: act.run }, h('span', null, act.word, h('span', { class: 'unseen' }, ` ${t('row.with', { name })}`))),
    ),
  );
}

/** @param {SessionView} session */
function withWhom(session) {
  const names = session.people.filter((person) => person.role !== 'customer').map((person) => ({ name: person.name ?? '', role: person.role }));
  if (names.length === 0) return h('span', { class: 'quiet-text' }, session.created_by.name);
  return h(
    'span',
    { class: 'pair', role: 'img', 'aria-label': names.map(({ name }) => name).join(', ') },
    names.slice(0, 3).map(({ name, role }) => avatar(name, role === 'watching' ? 'watching' : 'own')),
  );
}

/**
 * @param {Ui} ui
 * @param {SessionView} session
 */
function actionOf(ui, session) {
  const me = ui.store.me?.technician.id;
  const isIn = session.people.some((person) => person.technician === me);
  if (session.state === 'waiting') return { word: t('act.start'), primary: true, run: () => start(ui, session.id) };
  if (isStarted(session) && !isIn && session.lead?.id !== me) return { word: t('act.join'), primary: false, run: () => join(ui, session.id) };
  return { word: t('act.open'), primary: false, run: () => open(ui, session.id) };
}

/**
 * @param {Ui} ui
 * @param {string} id
 */
export function open(ui, id) {
  go({ view: 'session', id });
}

/**
 * @param {Ui} ui
 * @param {string} id
 */
export async function start(ui, id) {
  const it = ui.store.caseOf(id);
  it.sound.unblock();
  await it.start();
  const session = ui.store.sessions.get(id);
  // Somebody was faster: the row says who, and offers to join.
  if (session?.lead && session.lead.id !== ui.store.me?.technician.id) return;
  open(ui, id);
}

/**
 * @param {Ui} ui
 * @param {string} id
 */
export async function join(ui, id) {
  ui.store.caseOf(id).sound.unblock();
  open(ui, id);
  await ui.store.caseOf(id).join();
}

const isOpen = (/** @type {SessionView} */ session) => !['closed', 'aborted', 'timed_out'].includes(session.state);

/**
 * @param {SessionView} session
 * @param {string | undefined} me
 */
function isMine(session, me) {
  return session.created_by.id === me || session.lead?.id === me || session.people.some((person) => person.technician === me);
}

/**
 * The rows by group and in order. While somebody points into the table, rows keep their places.
 * @param {Ui} ui
 * @returns {Record<Group, SessionView[]>}
 */
export function groupsOf(ui) {
  const me = ui.store.me?.technician.id;
  const wanted = [...ui.store.sessions.values()].filter((session) => isOpen(session) && isWanted(ui, session, me));
  /** @type {Record<Group, SessionView[]>} */
  const fresh = { needs: [], mine: [], team: [] };
  for (const session of wanted.sort((a, b) => a.state_since.localeCompare(b.state_since))) {
    fresh[session.state === 'waiting' ? 'needs' : isMine(session, me) ? 'mine' : 'team'].push(session);
  }
  if (places.held || Date.now() < places.until) return keepPlaces(fresh);
  for (const group of /** @type {Group[]} */ (Object.keys(fresh))) places.order[group] = fresh[group].map((session) => session.id);
  return fresh;
}

/** @param {Record<Group, SessionView[]>} fresh */
function keepPlaces(fresh) {
  const byId = new Map(Object.values(fresh).flat().map((session) => [session.id, session]));
  /** @type {Record<Group, SessionView[]>} */
  const kept = { needs: [], mine: [], team: [] };
  for (const group of /** @type {Group[]} */ (Object.keys(kept))) {
    for (const id of places.order[group]) {
      const session = byId.get(id);
      if (session) kept[group].push(session);
      byId.delete(id);
    }
  }
  for (const group of /** @type {Group[]} */ (Object.keys(kept))) {
    for (const session of fresh[group]) {
      if (!byId.has(session.id)) continue;
      kept[group].push(session);
      places.order[group].push(session.id);
    }
  }
  return kept;
}

/**
 * @param {Ui} ui
 * @param {SessionView} session
 * @param {string | undefined} me
 */
function isWanted(ui, session, me) {
  if (ui.route.filter === 'mine' && !isMine(session, me)) return false;
  if (ui.route.filter === 'queue' && session.state !== 'waiting') return false;
  if (ui.route.state !== '' && session.state !== ui.route.state) return false;
  const q = ui.q.trim().toLowerCase();
  if (q === '') return true;
  const text = [session.customer_name, session.reference, session.customer_device, ui.store.pinOf(session.id), ...session.people.map((person) => person.name)].join(' ').toLowerCase();
  return text.includes(q) || text.includes(q.replace(/\s/g, ''));
}
