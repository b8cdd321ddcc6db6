/** The technician's console: one page, its views by address. */

import { announce, focusHeading, h, keepRendered } from '../common/dom.js';
import { firstLanguage, t, useLanguage } from '../common/i18n.js';
import { toast } from '../common/toast.js';
import { chime, notify, readySound } from './arrival.js';
import { listenToKeys } from './keys.js';
import { readPrefs } from './prefs.js';
import { followLink, routeNow } from './route.js';
import { Store } from './store.js';
import { Ui } from './ui.js';
import { historyView } from './views/history.js';
import { join, listView, open } from './views/list.js';
import { liveView } from './views/live.js';
import { loginView } from './views/login.js';
import { dialogView } from './views/dialogs.js';
import { failed } from './views/parts.js';
import { railView } from './views/rail.js';
import { titleOf } from './words.js';

/** @typedef {import('../common/types.js').SessionView} SessionView */

/** A change of quality shorter than this is not said aloud, in milliseconds. */
const QUALITY_LASTS_MS = 5_000;

const root = /** @type {HTMLElement} */ (document.getElementById('app'));
const store = new Store();
const ui = new Ui(store);
/** Which view had the page's attention last. */
let shown = '';

const draw = keepRendered(root, () => {
  const view = viewName();
  if (view !== shown) {
    shown = view;
    queueMicrotask(viewChanged);
  }
  document.title = titleNow();
  return page();
});

function viewName() {
  if (store.booting) return 'loading';
  if (!store.me) return store.failed ? 'failed' : 'login';
  return ui.route.view + ui.route.id;
}

function page() {
  if (store.booting) return null;
  if (!store.me) return store.failed ? unreachable() : loginView(ui, speak);
  const view = ui.route.view === 'session' ? liveView(ui) : ui.route.view === 'history' ? historyView(ui) : listView(ui);
  return [
    h('a', { class: 'skip', href: '#main', key: 'skip' }, t('skip')),
    h('div', { class: 'shell', key: 'shell' }, railView(ui, speak), view),
    dialogView(ui),
  ];
}

function unreachable() {
  const again = () => void store.begin();
  return h('main', { class: 'page', id: 'main', key: 'failed', 'data-state': 'failed' }, h('h1', { class: 'page__title', 'data-heading': true, tabindex: -1 }, t('brand')), failed(t('error.offline'), again));
}

function titleNow() {
  const count = store.waiting > 0 ? `(${store.waiting}) ` : '';
  if (!store.me) return `${t('login.title')} – ${t('brand')}`;
  const session = ui.route.view === 'session' ? store.sessions.get(ui.route.id) : undefined;
  const name = session ? titleOf(session, store.pinOf(session.id)) : ui.route.view === 'history' ? t('history.title') : t('list.title');
  return `${count}${name} – ${t('brand')}`;
}

function viewChanged() {
  if (shown !== 'login' && shown !== 'loading') focusHeading();
}

function routeChanged() {
  const former = ui.route;
  ui.route = routeNow();
  ui.q = ui.route.q;
  const left = former.view === 'session' && former.id !== ui.route.id ? store.cases.get(former.id) : undefined;
  left?.leaveScreen();
  const isNew = former.id !== ui.route.id || former.view !== ui.route.view;
  if (isNew) ui.pop = ui.people = false;
  showRoute(isNew);
  draw();
}

/** Reads what the view of the address needs. @param {boolean} isNew */
function showRoute(isNew) {
  if (!store.me) return;
  if (ui.route.view === 'history') void store.loadPast(ui.q);
  if (ui.route.view !== 'session' || !isNew) return;
  const it = store.caseOf(ui.route.id);
  it.comeOnScreen();
  const known = store.sessions.has(ui.route.id) ? Promise.resolve() : store.refresh(ui.route.id);
  void known.then(() => it.open());
}

/** @param {CustomEvent<SessionView>} event */
function arrived({ detail: session }) {
  const name = titleOf(session, store.pinOf(session.id));
  chime();
  announce(t('arrival.title', { name }));
  notify(name, () => open(ui, session.id));
  const here = ui.route.view === 'session' && ui.route.id === session.id;
  if (!here && ui.route.view !== 'sessions') toast(t('arrival.title', { name }), { mark: 'bell', act: { label: t('act.open'), run: () => open(ui, session.id) } });
}

/** @param {CustomEvent<{ id: string, session: string }>} event */
function told({ detail }) {
  const session = store.sessions.get(detail.session);
  const name = session?.lead?.name ?? '';
  const act = detail.id === 'taken' ? { label: t('act.join'), run: () => void join(ui, detail.session) } : undefined;
  toast(t(`told.${detail.id}`, { name }), { mark: detail.id === 'taken' ? 'person' : 'alert', act });
}

/** State changes of the session on screen are said aloud; its figures are not. */
let spokenState = '';
function speakState() {
  const session = ui.route.view === 'session' ? store.sessions.get(ui.route.id) : undefined;
  const now = session ? `${session.id} ${session.state} ${session.presence.camera}` : '';
  if (now === spokenState) return;
  const was = spokenState;
  spokenState = now;
  if (!session || !was.startsWith(session.id)) return;
  const word = document.querySelector('[data-testid="state"]')?.textContent ?? '';
  announce(word, session.state === 'offline' || session.state === 'reconnecting' ? 'alert' : 'status');
}

/** Quality is said aloud once a change of it has lasted. */
let spokenLevel = '';
let levelNow = '';
let levelSince = 0;
function speakQuality() {
  const it = ui.route.view === 'session' ? store.cases.get(ui.route.id) : undefined;
  const level = it?.pictureSeen ? `${it.id} ${it.quality.level}` : '';
  if (level !== levelNow) levelSince = ui.now;
  levelNow = level;
  if (level === '' || level === spokenLevel || ui.now - levelSince < QUALITY_LASTS_MS) return;
  // The first level of a picture is no change.
  if (it && spokenLevel.startsWith(it.id)) announce(`${t('quality.label')}: ${t(`quality.${it.quality.level}`)}`);
  spokenLevel = level;
}

/** @param {string} language */
async function speak(language) {
  await useLanguage(language, '', 'console-');
  localStorage.setItem('lens.language', language);
  draw();
}

function tick() {
  ui.now = Date.now();
  for (const it of store.cases.values()) {
    it.chat.open = it.onScreen && ui.side && ui.route.tab === 'chat' && !document.hidden;
    if (it.chat.open) it.chat.unread = 0;
    void it.tick();
  }
  speakQuality();
  draw();
}

async function begin() {
  readPrefs();
  await useLanguage(firstLanguage(localStorage), '', 'console-');
  store.addEventListener('change', () => {
    draw();
    queueMicrotask(speakState);
  });
  ui.addEventListener('change', draw);
  store.addEventListener('arrived', (event) => arrived(/** @type {CustomEvent} */ (event)));
  store.addEventListener('told', (event) => told(/** @type {CustomEvent} */ (event)));
  addEventListener('popstate', routeChanged);
  addEventListener('lens:route', routeChanged);
  root.addEventListener('click', followLink);
  readySound();
  listenToKeys(ui);
  await store.begin();
  let wasIn = store.me !== null;
  showRoute(true);
  store.addEventListener('change', () => {
    if (store.me && !wasIn) showRoute(true);
    wasIn = store.me !== null;
  });
  setInterval(tick, 1000);
}

void begin();

