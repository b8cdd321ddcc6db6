/** The customer's page: makes the session, and keeps the page in step with it. */

import { announce, focusHeading, keepRendered } from '../common/dom.js';
import { firstLanguage, t, useLanguage } from '../common/i18n.js';
import { obstacle } from './device.js';
import { secretIn } from './link-secret.js';
import { screenOf } from './screen.js';
import { CustomerSession } from './session.js';
import { consentPage } from './views/consent.js';
import { endedPage } from './views/ended.js';
import { linkPage, pinPage } from './views/enter.js';
import { plainPage, title } from './views/frame.js';
import { keepStill, livePage } from './views/live.js';
import { troublePage } from './views/trouble.js';
import { keepAwake } from './wake.js';
import { h } from '../common/dom.js';

/** @typedef {import('./screen.js').Screen} Screen */

const root = /** @type {HTMLElement} */ (document.getElementById('app'));
const session = new CustomerSession({ secret: secretIn(location), obstacle: obstacle() });
let showsPeople = false;
/** @type {Screen} */
let shown = 'loading';

const draw = keepRendered(root, () => {
  const now = Date.now();
  const screen = screenOf(session, now);
  const page = pageOf(screen, now);
  if (screen !== shown) queueMicrotask(() => screenChanged(screen));
  return page;
});

/**
 * @param {Screen} screen
 * @param {number} now
 */
function pageOf(screen, now) {
  const frame = { organisation: session.view?.organisation ?? '', speak };
  const ui = { people: showsPeople, showPeople, now };
  switch (screen) {
    case 'loading':
      return null;
    case 'pin':
      return pinPage(session, frame);
    case 'link':
      return linkPage(session, frame);
    case 'consent':
      return consentPage(session);
    case 'ended':
      return endedPage(session, frame);
    case 'replaced':
      return replacedPage(frame);
    case 'inapp':
    case 'insecure':
    case 'old':
    case 'denied':
    case 'none':
    case 'busy':
    case 'error':
      return troublePage(session, frame, screen);
    default:
      return livePage(session, screen, ui);
  }
}

/** @param {import('./views/frame.js').Frame} frame */
function replacedPage(frame) {
  return plainPage(
    'replaced',
    frame,
    title(t('replaced.title')),
    h('p', { class: 'lead' }, t('replaced.text')),
    h('div', { class: 'actions' }, h('button', { class: 'button button--primary button--big', type: 'button', onclick: () => session.goOnHere() }, t('replaced.here'))),
  );
}

const ON_STAGE = new Set(['consent', 'waiting', 'waiting_off', 'back', 'lost', 'connecting', 'live', 'paused', 'call', 'away', 'hold', 'chat_only', 'reconnecting', 'offline']);
const ALARMS = new Set(['reconnecting', 'offline', 'ended', 'replaced']);
const AWAKE = new Set(['waiting', 'live', 'connecting', 'reconnecting', 'hold']);

/** @param {Screen} screen */
function screenChanged(screen) {
  const former = shown;
  shown = screen;
  document.body.dataset.screen = screen;
  document.body.dataset.ground = ON_STAGE.has(screen) ? 'stage' : 'plain';
  document.title = pageTitle(screen);
  keepAwake(AWAKE.has(screen));
  if (former === 'reconnecting' && screen === 'live') announce(t('back'));
  if (ALARMS.has(screen)) announce(document.querySelector('[data-heading]')?.textContent ?? '', 'alert');
  // The PIN field takes the focus itself; going from one word over the picture to the next keeps it.
  const staysOnPicture = ON_STAGE.has(screen) && ON_STAGE.has(former) && former !== 'consent';
  if (screen !== 'pin' && screen !== 'loading' && !staysOnPicture) focusHeading();
}

/** @param {Screen} screen */
function pageTitle(screen) {
  const name = session.view?.technician.name ?? '';
  const org = session.view?.organisation || t('brand');
  if (screen === 'pin' || screen === 'loading' || screen === 'link') return `${t('pin.page')} – ${t('brand')}`;
  if (screen === 'consent') return `${t('consent.page', { name })} – ${org}`;
  if (screen === 'ended') return `${t('ended.page')} – ${org}`;
  const heading = document.querySelector('[data-heading]')?.textContent;
  return screen === 'live' ? `${t('live.page', { name })} – ${org}` : `${heading ?? t('brand')} – ${org}`;
}

/** @param {boolean} open */
function showPeople(open) {
  showsPeople = open;
  if (open && session.chat.open) session.chat.toggle();
  draw();
}

/** @param {string} language */
async function speak(language) {
  await useLanguage(language, '');
  sessionStorage.setItem('lens.language', language);
  document.title = pageTitle(shown);
  draw();
}

async function begin() {
  await useLanguage(firstLanguage(sessionStorage), '');
  session.keepStill = keepStill;
  session.addEventListener('change', draw);
  document.getElementById('too-old')?.remove();
  await session.begin();
  setInterval(() => session.tick(), 1000);
}

void begin();
