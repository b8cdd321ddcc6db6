/**
 * The customer's page: coming in, then the session. The second part, with the SDK, is fetched only
 * when it is needed, so that typing a PIN costs little on a slow line.
 */

import { announce, focusHeading, keepRendered } from '../common/dom.js';
import { firstLanguage, t, useLanguage } from '../common/i18n.js';
import { obstacle } from './device.js';
import { Entry } from './entry.js';
import { secretIn } from './link-secret.js';
import { linkPage, pinPage } from './views/enter.js';

/** @typedef {import('./session.js').CustomerSession} CustomerSession */
/** @typedef {typeof import('./inside.js')} Inside */

const root = /** @type {HTMLElement} */ (document.getElementById('app'));
const entry = new Entry(secretIn(location), obstacle(), enter);
/** @type {Inside | null} */
let inside = null;
/** @type {CustomerSession | null} */
let session = null;
/** @type {typeof import('./views/trouble.js') | null} */
let trouble = null;
let showsPeople = false;
let shown = 'loading';

const draw = keepRendered(root, () => {
  const now = Date.now();
  const screen = screenNow(now);
  if (screen !== shown) queueMicrotask(() => screenChanged(screen));
  return page(screen, now);
});

/** @param {number} now */
function screenNow(now) {
  if (inside && session) return inside.screenOf(session, now);
  if (entry.booting) return 'loading';
  return entry.obstacle ?? (entry.secret ? 'link' : 'pin');
}

/**
 * @param {string} screen
 * @param {number} now
 */
function page(screen, now) {
  const frame = { organisation: session?.view.organisation ?? '', speak };
  if (inside && session) {
    const ui = { people: showsPeople, showPeople, now };
    return inside.pageOf(session, /** @type {import('./screen.js').Screen} */ (screen), frame, ui);
  }
  if (screen === 'pin') return pinPage(entry, frame);
  if (screen === 'link') return linkPage(entry, frame);
  return trouble && entry.obstacle ? trouble.troublePage(null, frame, screen) : null;
}

/** @param {import('../common/types.js').CustomerView} view */
async function enter(view) {
  inside ??= await import('./inside.js');
  session = inside.sessionOf(view);
  session.addEventListener('change', draw);
  setInterval(() => session?.tick(), 1000);
  draw();
  await session.begin();
}

/** @param {string} screen */
function screenChanged(screen) {
  const former = shown;
  shown = screen;
  const onStage = (/** @type {string} */ name) => inside?.ON_STAGE.has(name) ?? false;
  document.body.dataset.screen = screen;
  document.body.dataset.ground = onStage(screen) ? 'stage' : 'plain';
  document.title = titleNow();
  inside?.keepAwake(inside.AWAKE.has(screen));
  if (former === 'reconnecting' && screen === 'live') announce(t('back'));
  if (inside?.ALARMS.has(screen)) announce(document.querySelector('[data-heading]')?.textContent ?? '', 'alert');
  // The PIN field takes the focus itself; going from one word over the picture to the next keeps it.
  const staysOnPicture = onStage(screen) && onStage(former) && former !== 'consent';
  if (screen !== 'pin' && screen !== 'loading' && !staysOnPicture) focusHeading();
}

function titleNow() {
  if (inside && session) return inside.titleOf(session, /** @type {import('./screen.js').Screen} */ (shown));
  return `${t('pin.page')} – ${t('brand')}`;
}

/** @param {boolean} open */
function showPeople(open) {
  showsPeople = open;
  if (open && session?.chat.open) session.chat.toggle();
  draw();
}

/** @param {string} language */
async function speak(language) {
  await useLanguage(language, '');
  sessionStorage.setItem('lens.language', language);
  document.title = titleNow();
  draw();
}

async function begin() {
  await useLanguage(firstLanguage(sessionStorage), '');
  entry.addEventListener('change', draw);
  document.getElementById('too-old')?.remove();
  if (entry.obstacle) trouble = await import('./views/trouble.js');
  await entry.begin();
}

void begin();
